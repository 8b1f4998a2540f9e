package taskbench

import "fmt"

// Cases are the graphs whose METG is measured, for a machine of so many cores: each
// pattern, as wide as there are cores, or as it has to be; nearest and spread of
// radix 5, and four graphs side by side, as in the paper; and nearest of the other
// radices from 0 to 9.
func Cases(cores, steps int) ([]*Bench, error) {
	var all []*Bench
	add := func(name string, specs ...Spec) error {
		b, err := New(name, specs...)
		if err == nil {
			all = append(all, b)
		}
		return err
	}
	of := func(p Pattern, radix int) Spec {
		s := Default(p, steps, max(cores, p.LeastWidth()))
		s.Radix = radix
		if p == Spread { // its points are different ones
			s.Radix = min(radix, s.Width)
			s.Period = min(s.Period, ceilDiv(s.Width, s.Radix))
		}
		return s
	}
	for _, p := range Patterns {
		s := of(p, 5)
		name := string(p)
		if s.usesRadix() {
			name += fmt.Sprintf(" radix %d", s.Radix)
		}
		if s.Width != cores {
			name += fmt.Sprintf(", width %d", s.Width)
		}
		if err := add(name, s); err != nil {
			return nil, err
		}
	}
	four := of(Nearest, 5)
	if err := add("four nearest radix 5", four, four, four, four); err != nil {
		return nil, err
	}
	for radix := range 10 {
		if radix == 5 {
			continue // above
		}
		if err := add(fmt.Sprintf("nearest radix %d", radix), of(Nearest, radix)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

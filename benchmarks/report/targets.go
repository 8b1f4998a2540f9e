package report

import (
	"fmt"
	"strconv"
)

// A Target is a bound that a measured number has to keep.
type Target struct {
	What     string
	Measured float64
	Bound    float64
	AtLeast  bool // the bound is the least, not the most
	Timed    bool // a time, which the machine's noise reaches: the band applies
}

func (t Target) met(band float64) bool {
	if !t.Timed {
		band = 0
	}
	if t.AtLeast {
		return t.Measured >= t.Bound*(1-band)
	}
	return t.Measured <= t.Bound*(1+band)
}

// Targets are those of the sections that were measured.
type Targets struct{ all []Target }

// Add adds a target.
func (t *Targets) Add(x Target) { t.all = append(t.all, x) }

// Len is how many there are.
func (t *Targets) Len() int { return len(t.all) }

// Print writes the table and returns how many targets were missed.
func (t *Targets) Print(band float64) int {
	missed := 0
	table := NewTable("Targets", "measured", "target", "")
	for _, x := range t.all {
		verdict, relation := "met", "at most"
		if !x.met(band) {
			verdict = "missed"
			missed++
		}
		if x.AtLeast {
			relation = "at least"
		}
		table.Row(x.What, Number(x.Measured), relation+" "+Number(x.Bound), verdict)
	}
	table.Print()
	if band > 0 {
		fmt.Printf("\nTimes may miss their target by %s %%.\n", strconv.FormatFloat(band*100, 'f', -1, 64))
	}
	return missed
}

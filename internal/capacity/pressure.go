package capacity

import (
	"bytes"
	"math"
	"strconv"
)

// gauge reads the pressure on the processors from a file. The zero gauge reads 0.
type gauge struct {
	name  string
	parse func([]byte) (float64, error)
}

func (g gauge) read(t *tree) (float64, error) {
	if g.parse == nil {
		return 0, nil
	}
	share, _, err := value(t, g.name, g.parse)
	return share, err
}

// findPressure returns the first gauge that works: the pressure stall information of the
// group that the process is in, which tells of its own quota too, of the nearest group
// above that has it, of the host, and then the load average of the host.
func findPressure(t *tree, groups []group, processors int) gauge {
	var gauges []gauge
	for _, g := range groups {
		if g.unified {
			gauges = append(gauges, gauge{g.file("cpu.pressure"), parsePressure})
		}
	}
	online, found, err := value(t, "sys/devices/system/cpu/online", parseList)
	if err != nil || !found {
		online = processors
	}
	gauges = append(gauges,
		gauge{"proc/pressure/cpu", parsePressure},
		gauge{"proc/loadavg", parseLoadAverage(online)})
	for _, g := range gauges {
		if _, found, err := value(t, g.name, g.parse); found && err == nil {
			return g
		}
	}
	return gauge{}
}

// parsePressure parses the share of time in which some work waited, in
//
//	some avg10=11.15 avg60=9.82 avg300=13.87 total=79447679
func parsePressure(text []byte) (float64, error) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("some avg10="))
		if !ok {
			continue
		}
		word, _, _ := bytes.Cut(rest, []byte(" "))
		percent, err := strconv.ParseFloat(string(word), 64)
		if err != nil || !(percent >= 0 && percent <= 100) {
			return 0, expected("a percentage after avg10=", word)
		}
		return percent / 100, nil
	}
	return 0, expected("some avg10=", text)
}

// parseLoadAverage returns the function that parses /proc/loadavg, whose first number is
// how many threads ran or were ready to. Of those, the processors run as many as they are.
func parseLoadAverage(processors int) func([]byte) (float64, error) {
	return func(text []byte) (float64, error) {
		word, _, _ := bytes.Cut(text, []byte(" "))
		load, err := strconv.ParseFloat(string(word), 64)
		if err != nil || !(load >= 0) || math.IsInf(load, 1) {
			return 0, expected("a load average of 0 or more", word)
		}
		if load <= float64(processors) {
			return 0, nil
		}
		return 1 - float64(processors)/load, nil
	}
}

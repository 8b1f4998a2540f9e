package main

import (
	"fmt"
	"strconv"
)

// A target is a bound that a measured number has to keep.
type target struct {
	what     string
	measured float64
	bound    float64
	atLeast  bool // the bound is the least, not the most
	timed    bool // a time, which the machine's noise reaches: the band applies
}

func (t target) met(band float64) bool {
	if !t.timed {
		band = 0
	}
	if t.atLeast {
		return t.measured >= t.bound*(1-band)
	}
	return t.measured <= t.bound*(1+band)
}

// targets are those of the sections that were measured.
type targets struct{ all []target }

func (t *targets) add(x target) { t.all = append(t.all, x) }

// print writes the table and returns how many targets were missed.
func (t *targets) print(band float64) int {
	missed := 0
	table := newTable("Targets", "measured", "target", "")
	for _, x := range t.all {
		verdict, relation := "met", "at most"
		if !x.met(band) {
			verdict = "missed"
			missed++
		}
		if x.atLeast {
			relation = "at least"
		}
		table.row(x.what, number(x.measured), relation+" "+number(x.bound), verdict)
	}
	table.print()
	if band > 0 {
		fmt.Printf("\nTimes may miss their target by %s %%.\n", strconv.FormatFloat(band*100, 'f', -1, 64))
	}
	return missed
}

package main

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/runnelflow/runnel"
)

// Part is a part of a text, such as a chapter.
type Part struct{ Name, Text string }

// PartCounts is how often each part has each word: one run of this task for each
// element of the external input "parts", an iter.Seq.
var PartCounts = runnel.NewMapTask("part_counts[i]", runnel.Pure(func(in struct {
	Part Part `runnel:"parts[i]"`
}) Counts {
	c := Counts{}
	for _, w := range splitWords(in.Part.Text) {
		c[w]++
	}
	return c
}))

// Whole adds the parts up. It takes "part_counts" without an axis: all of them, so
// it waits for the last.
var Whole = runnel.NewTask("whole", runnel.Pure(func(in struct{ PartCounts []Counts }) Counts {
	all := Counts{}
	for _, c := range in.PartCounts {
		for w, n := range c {
			all[w] += n
		}
	}
	return all
}))

// Profile is what distinguishes a part.
type Profile struct {
	Part    string
	Words   int
	Typical []string // at most five words, the most typical first
}

// Typical holds each part against the whole: an axis again, zipped with that of
// the parts, and beside it an input that all elements share.
var Typical = runnel.NewMapTask("typical[i]", func(_ context.Context, in struct {
	Part   Part   `runnel:"parts[i]"`
	Counts Counts `runnel:"part_counts[i]"`
	Whole  Counts
}) (Profile, error) {
	return Profile{in.Part.Name, in.Counts.total(), typical(in.Counts, in.Whole)}, nil
})

func newPipeline() (*runnel.Pipeline, error) {
	return runnel.FromTasks(PartCounts, Whole, Typical)
}

// typical are the words that say most about which part one is in: those with the
// largest p log(p/q), where p is the share of a word in the part and q its share
// in the whole. These are the terms of the Kullback-Leibler divergence.
func typical(part, whole Counts) []string {
	weight := map[string]float64{}
	inPart, inWhole := float64(part.total()), float64(whole.total())
	for w, n := range part {
		p, q := float64(n)/inPart, float64(whole[w])/inWhole
		if p > q {
			weight[w] = p * math.Log(p/q)
		}
	}
	words := slices.SortedFunc(maps.Keys(weight), func(a, b string) int {
		return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(a, b))
	})
	return words[:min(5, len(words))]
}

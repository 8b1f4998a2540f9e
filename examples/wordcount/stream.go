package main

import (
	"context"
	"iter"

	"github.com/runnelflow/runnel"
)

// Tally is what one pass over a text finds.
type Tally struct {
	Lines, Words int
	Counts       Counts
	Growth       []int // words seen for the first time, in each growthStep words
}

// growthStep is how many words there are to a number of Tally.Growth.
const growthStep = 10_000

// count splits lines into words, many lines at once, and adds them up one after
// another. MapSeq hands over the words of each line in the order of the lines, so
// that it is known which word came first, and reads at most 256 lines ahead.
func count(ctx context.Context, lines iter.Seq[string]) (Tally, error) {
	t := Tally{Counts: Counts{}}
	for words, err := range runnel.MapSeq(ctx, lines, split, runnel.MaxParallel(256)) {
		if err != nil {
			return t, err
		}
		t.add(words)
	}
	return t, nil
}

func split(_ context.Context, line string) ([]string, error) { return splitWords(line), nil }

func (t *Tally) add(words []string) {
	t.Lines++
	for _, w := range words {
		if t.Words%growthStep == 0 {
			t.Growth = append(t.Growth, 0)
		}
		t.Words++
		if t.Counts[w]++; t.Counts[w] == 1 {
			t.Growth[len(t.Growth)-1]++
		}
	}
}

package runneltest

import (
	"maps"
	"math/bits"
	"strings"
	"unicode"

	"github.com/runnelflow/runnel/internal/nearest"
)

// mostPairs bounds how many pairs of series one check compares, so that the
// largest graphs take about a second.
const mostPairs = 1 << 22

// names are data names to look others up among, those of one series together:
// a graph of thousands of files has few series.
type names struct {
	series []stem
	pairs  int // compared by now
}

// stem is a series of names.
type stem struct {
	words   []string
	joined  string // the words in one
	first   string // name of the series
	letters uint64 // a bit for each letter that it has
	n       int    // letters in all
}

// newNames sorts names into their series.
func newNames(all []string) *names {
	n := &names{}
	known := map[string]bool{}
	for _, name := range all {
		if s := newStem(name); !known[s.joined] {
			known[s.joined] = true
			n.series = append(n.series, s)
		}
	}
	return n
}

func newStem(name string) stem {
	s := stem{words: series(name), first: name}
	s.joined = strings.Join(s.words, "_")
	for _, r := range strings.Join(s.words, "") {
		s.letters |= 1 << (uint32(unicode.ToLower(r)) % 64)
		s.n++
	}
	return s
}

// near finds the name that was probably meant by one of another series. Series in
// except are passed over.
func (n *names) near(want stem, except map[string]bool) (string, bool) {
	if n.pairs += len(n.series); n.pairs > mostPairs {
		return "", false
	}
	meant := map[string]string{}
	for i := range n.series {
		s := &n.series[i]
		// An edit changes the length by one at most, and two letters; more than
		// three edits are no typing error.
		if d := s.n - want.n; d < -3 || d > 3 || bits.OnesCount64(s.letters^want.letters) > 6 {
			continue
		}
		if s.joined != want.joined && !except[s.joined] && misspelling(&want, s) {
			meant[s.joined] = s.first
		}
	}
	best, ok := nearest.Name(want.joined, maps.Keys(meant))
	return meant[best], ok
}

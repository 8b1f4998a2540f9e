package runneltest

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnelflow/runnel/internal/nearest"
)

// nearOne is the name that was probably meant, unless both belong to one series.
func nearOne(name string, known []string) (string, bool) {
	stem := series(name)
	return nearest.Name(name, func(yield func(string) bool) {
		for _, other := range known {
			if !slices.Equal(series(other), stem) && !yield(other) {
				return
			}
		}
	})
}

// series is what the names of a series have in common: their words, with a mark
// in place of each number and of a last word of one letter.
func series(name string) []string {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("_-. /", r) })
	marked := make([]string, len(words))
	for i, word := range words {
		marked[i] = unnumbered(word)
		if i > 0 && i == len(words)-1 && utf8.RuneCountInString(word) == 1 {
			marked[i] = "#"
		}
	}
	return marked
}

// unnumbered is a word with "#" in place of each run of digits.
func unnumbered(word string) string {
	var b strings.Builder
	inside := false
	for _, r := range word {
		digit := unicode.IsDigit(r)
		switch {
		case !digit:
			b.WriteRune(r)
		case !inside:
			b.WriteByte('#')
		}
		inside = digit
	}
	return b.String()
}

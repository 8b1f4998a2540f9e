package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Counts is how often there is each word.
type Counts map[string]int

func (c Counts) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// top are the most frequent words, the most frequent first and equals in the order
// of the alphabet.
func (c Counts) top(n int) []string {
	words := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b))
	})
	return words[:min(n, len(words))]
}

// splitWords returns the words of a text in lower case. A word is made of letters
// and of apostrophes between letters, as in "discover'd".
func splitWords(text string) []string {
	var words []string
	for run := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return r != '\'' && !unicode.IsLetter(r) }) {
		if w := strings.Trim(run, "'"); w != "" {
			words = append(words, w)
		}
	}
	return words
}

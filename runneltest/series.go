package runneltest

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnelflow/runnel/internal/nearest"
)

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

// misspelling reports whether two names are probably meant to be one: they are
// near each other, and so are the words in which they differ. in_file and
// out_file are no typing error, nor are features and raw_features.
func misspelling(a, b *stem) bool {
	if len(a.words) != len(b.words) {
		return near(a.joined, b.joined) && !contains(a.words, b.words) && !contains(b.words, a.words)
	}
	for i := range a.words {
		x, y := a.words[i], b.words[i]
		switch {
		case x == y:
		case i == 0 && a.leads() && !mistyped(x, y):
			return false
		case !near(x, y):
			return false
		}
	}
	return near(a.joined, b.joined)
}

// leads reports whether the first of the words is followed by others than
// numbers.
func (s *stem) leads() bool {
	return slices.ContainsFunc(s.words[1:], func(word string) bool { return word != "#" })
}

func near(a, b string) bool {
	_, ok := nearest.Name(a, slices.Values([]string{b}))
	return ok
}

// contains reports whether some of the words are the others, in order.
func contains(words, others []string) bool {
	for _, word := range words {
		if len(others) > 0 && others[0] == word {
			others = others[1:]
		}
	}
	return len(others) == 0
}

// mistyped reports whether a word is another with one typing error: two
// neighbours swapped, or a letter inserted, dropped or replaced. Words that tell
// names apart are short, and often alike (raw, row): below five letters the
// latter is none.
func mistyped(x, y string) bool {
	a, b := []rune(strings.ToLower(x)), []rune(strings.ToLower(y))
	long := len(a) >= 5 && len(b) >= 5
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return swapped || long && len(a) <= 1 && len(b) <= 1
}

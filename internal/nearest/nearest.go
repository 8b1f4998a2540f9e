// Package nearest finds the name that somebody probably meant.
package nearest

import (
	"iter"
	"unicode"
)

// most is the largest number of edits that still counts as a typo, whatever
// the length of the name.
const most = 3

// Name returns the known name nearest to want, or false when none is near
// enough to be what a typo was meant for.
//
// Names are compared without regard to case, underscores, hyphens and spaces.
// Nearness is the number of edits between them: a letter inserted, dropped or
// replaced, or two neighbours swapped (the restricted Damerau–Levenshtein
// distance: no part is edited twice). A name counts when that takes at most
// one edit for every three letters of the longer name, and three in all. Of
// names that are equally near, the first in byte order is returned, so that
// the answer does not depend on the order of known.
//
// The cost of a known name is proportional to its length: names of the wrong
// length are passed over, and for the others only the part of the distance
// table within reach of the limit is computed.
func Name(want string, known iter.Seq[string]) (string, bool) {
	target := appendFolded(nil, want)
	if len(target) == 0 {
		return "", false
	}
	var (
		best    string
		edits   = most + 1
		table   table
		letters []rune
	)
	for name := range known {
		letters = appendFolded(letters[:0], name)
		limit := min(most, max(len(target), len(letters))/3, edits)
		d := table.distance(target, letters, limit)
		if d <= limit && (d < edits || name < best) {
			best, edits = name, d
		}
	}
	return best, edits <= most
}

// appendFolded appends the letters of name that count in a comparison.
func appendFolded(dst []rune, name string) []rune {
	for _, r := range name {
		if r == '_' || r == '-' || r == ' ' {
			continue
		}
		dst = append(dst, unicode.ToLower(r))
	}
	return dst
}

// table holds the three rows of the distance table that are needed at a time,
// kept from one name to the next.
type table struct{ rows [3][]int }

// distance returns the restricted Damerau–Levenshtein distance of a and b, or
// any number above limit when it is above limit.
func (t *table) distance(a, b []rune, limit int) int {
	over := limit + 1
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return over
	}
	// Names of one program are alike at their ends, where no edit is needed.
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	for r := range t.rows {
		for len(t.rows[r]) <= len(b)+1 {
			t.rows[r] = append(t.rows[r], 0)
		}
	}
	// Only cells within limit of the diagonal can hold limit or less. The
	// cells on either side of that band are set to over, because the next row
	// reads them.
	before, above, row := t.rows[0], t.rows[1], t.rows[2]
	for j := 0; j <= min(len(b), over); j++ {
		above[j] = min(j, over)
	}
	for i := 1; i <= len(a); i++ {
		lo, hi := max(1, i-limit), min(len(b), i+limit)
		row[lo-1] = over
		if lo == 1 {
			row[0] = min(i, over)
		}
		least := row[lo-1]
		for j := lo; j <= hi; j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(above[j-1]+change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = min(d, over)
			least = min(least, row[j])
		}
		row[hi+1] = over
		// Each row's least is at most one above that of the row before, and a
		// swap, which reaches back two rows, costs one: nothing gets better.
		if least > limit {
			return over
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

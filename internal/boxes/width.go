package boxes

import (
	"strings"
	"unicode"
)

// wide are the characters that take two columns: East Asian scripts in full width,
// and emoji that are drawn as pictures by default (Unicode Standard Annex #11, and
// Emoji_Presentation of Technical Standard #51). The standard library has no such
// table, and the library links nothing else.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x23f0, 0x23f0, 1},
		{0x23f3, 0x23f3, 1}, {0x25fd, 0x25fe, 1}, {0x2614, 0x2615, 1}, {0x2648, 0x2653, 1}, {0x267f, 0x267f, 1},
		{0x2693, 0x2693, 1}, {0x26a1, 0x26a1, 1}, {0x26aa, 0x26ab, 1}, {0x26bd, 0x26be, 1}, {0x26c4, 0x26c5, 1},
		{0x26ce, 0x26ce, 1}, {0x26d4, 0x26d4, 1}, {0x26ea, 0x26ea, 1}, {0x26f2, 0x26f3, 1}, {0x26f5, 0x26f5, 1},
		{0x26fa, 0x26fa, 1}, {0x26fd, 0x26fd, 1}, {0x2705, 0x2705, 1}, {0x270a, 0x270b, 1}, {0x2728, 0x2728, 1},
		{0x274c, 0x274c, 1}, {0x274e, 0x274e, 1}, {0x2753, 0x2755, 1}, {0x2757, 0x2757, 1}, {0x2795, 0x2797, 1},
		{0x27b0, 0x27b0, 1}, {0x27bf, 0x27bf, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b50, 1}, {0x2b55, 0x2b55, 1},
		{0x2e80, 0x303e, 1}, {0x3041, 0xa4cf, 1}, {0xa960, 0xa97f, 1},
		{0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1}},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// Columns is how many columns of a terminal a text of one line takes.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += RuneColumns(r)
	}
	return n
}

// RuneColumns is how many columns a character takes: 0, 1 or 2.
func RuneColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// Clip shortens a text to so many columns; the mark, of one column, stands for what
// is left out.
func Clip(s string, most int, mark string) string {
	if Columns(s) <= most {
		return s
	}
	used := 0
	for i, r := range s {
		if used += RuneColumns(r); used > most-1 {
			return s[:i] + mark
		}
	}
	return s
}

// Line is a text as one line of a terminal: what does not print becomes a question
// mark, and in ASCII all else too.
func Line(s string, ascii bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case ascii && (r < ' ' || r > '~'), !unicode.IsPrint(r) && !joins(r), r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, s)
}

// joins reports whether a character without a form of its own holds emoji and
// letters together.
func joins(r rune) bool { return r == '\u200d' || r == '\u200c' }

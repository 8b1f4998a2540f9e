package viz

import (
	"errors"
	"fmt"
	"unicode"
)

// textStyle is how a text is drawn.
type textStyle struct {
	width int
	ascii bool
	color bool
}

// Width is how many columns a text has, 100 unless it is given; n is 40 or more.
func Width(n int) TimelineOption {
	return timelineOption(func(c *timelineConfig) {
		if n < 40 {
			c.err = errors.Join(c.err, fmt.Errorf("viz: Width must be 40 or more, got %d", n))
		}
		c.text.width = n
	})
}

// ASCII draws with the characters of ASCII alone; others in names become
// question marks.
func ASCII() TimelineOption {
	return timelineOption(func(c *timelineConfig) { c.text.ascii = true })
}

// Color colours bars by state, with the escape sequences of terminals.
func Color(on bool) TimelineOption {
	return timelineOption(func(c *timelineConfig) { c.text.color = on })
}

// columns is how many columns of a terminal a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// wide are the blocks whose characters take two columns: East Asian scripts in
// full width, and emoji (Unicode Standard Annex #11, by block).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0xa4cf, 1}, {0xa960, 0xa97f, 1},
		{0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1}},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

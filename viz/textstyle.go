package viz

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// textStyle is how a text is drawn.
type textStyle struct {
	width int
	ascii bool
	color bool
}

// defaultWidth is how many columns a text has unless it is said.
const defaultWidth = 100

// A TerminalOption sets something about texts for a terminal: [Text] and
// [TimelineText] take it.
type TerminalOption interface {
	TextOption
	TimelineOption
}

// terminalOption changes a style, or says what is wrong.
type terminalOption func(*textStyle) error

func (o terminalOption) applyText(c *textConfig) { c.err = errors.Join(c.err, o(&c.style)) }

func (o terminalOption) applyTimeline(c *timelineConfig) { c.err = errors.Join(c.err, o(&c.text)) }

// leastColumns is the narrowest terminal that a text is drawn for.
const leastColumns = 40

// Width is how many columns a text has, 100 unless it is given; n is 40 or more.
func Width(n int) TerminalOption {
	return terminalOption(func(s *textStyle) error {
		if n < leastColumns {
			return fmt.Errorf("viz: Width must be %d or more, got %d", leastColumns, n)
		}
		s.width = n
		return nil
	})
}

// ASCII draws with the characters of ASCII alone; others in names become
// question marks.
func ASCII() TerminalOption {
	return terminalOption(func(s *textStyle) error { s.ascii = true; return nil })
}

// Color colours by state, with the escape sequences of terminals. It is off unless
// it is given.
func Color(on bool) TerminalOption {
	return terminalOption(func(s *textStyle) error { s.color = on; return nil })
}

// ForTerminal is what suits a file, as in ForTerminal(os.Stdout): colours when it is
// a terminal that has them, unless NO_COLOR is set (no-color.org), and the width
// that COLUMNS says, if it does.
func ForTerminal(f *os.File) TerminalOption {
	return terminalOption(func(s *textStyle) error {
		info, err := f.Stat()
		terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
		s.color = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if n, err := strconv.Atoi(os.Getenv("COLUMNS")); terminal && err == nil && n >= leastColumns {
			s.width = n
		}
		return nil
	})
}

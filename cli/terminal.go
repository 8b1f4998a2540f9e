package cli

import (
	"io"
	"os"
	"runtime"

	"golang.org/x/term"
)

// terminal is an output that can be drawn on.
type terminal struct {
	w  io.Writer
	fd int
}

// terminalOf is the terminal behind an output. ok is false for anything else,
// and for terminals that cannot move the cursor.
func terminalOf(w io.Writer) (t terminal, ok bool) {
	f, isFile := w.(interface{ Fd() uintptr })
	if !isFile || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return terminal{}, false
	}
	if runtime.GOOS == "windows" && os.Getenv("WT_SESSION") == "" && os.Getenv("TERM") == "" {
		return terminal{}, false // an old console, which may not know escape sequences
	}
	return terminal{w, int(f.Fd())}, true
}

// size is the terminal's size in columns and lines, 80 by 24 when it does not
// say.
func (t terminal) size() (width, height int) {
	width, height, err := term.GetSize(t.fd)
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// colored reports whether a terminal gets colours: see no-color.org.
func colored() bool { return os.Getenv("NO_COLOR") == "" }

//go:build unix

package cli

import (
	_ "github.com/charmbracelet/x/vt"
	_ "github.com/creack/pty"
)

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// stdin is the standard input, which only one input can have.
type stdin struct{ by string }

// load is the text that an argument stands for: that of a file for @file, the
// standard input for -, and itself otherwise; @@ stands for an @.
func (c *call) load(ctx context.Context, label, arg string) (string, error) {
	switch {
	case arg == "-":
		if c.stdin.by != "" {
			return "", fmt.Errorf("the standard input is already that of %s: only one input can have it", c.stdin.by)
		}
		c.stdin.by = label
		return readAll(ctx, c.In)
	case strings.HasPrefix(arg, "@@"):
		return arg[1:], nil
	case strings.HasPrefix(arg, "@"):
		text, err := os.ReadFile(arg[1:])
		if err != nil {
			return "", fmt.Errorf("%w (a text that begins with @ is written @@)", err)
		}
		return string(text), nil
	}
	return arg, nil
}

// readAll reads to the end, or until ctx ends: a read of a terminal cannot be
// broken off, so it is left behind.
func readAll(ctx context.Context, r io.Reader) (string, error) {
	if r == nil {
		return "", errors.New("there is no standard input")
	}
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(r)
		done <- result{text, err}
	}()
	select {
	case got := <-done:
		return string(got.text), got.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// The environment that makes this binary another process of the measurement.
const (
	envRole = "BENCHMARK_ROLE"
	envAt   = "BENCHMARK_AT" // the address of its server, or its folder
	envSize = "BENCHMARK_SIZE"
)

// play is the program of another process. It ends with its standard input.
func play(ctx context.Context, role string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	roles := map[string]func(context.Context, string) error{
		"server": serve, "worker": work, "hand": workByHand, "asynq": workForAsynq, "outstanding": holdOutstanding, "idle": idle,
	}
	return roles[role](ctx, os.Getenv(envAt))
}

// ready is the line by which a process says that it is there, with what others have
// to know.
func ready(what ...any) { fmt.Println(append([]any{"ready"}, what...)...) }

// process is another process of the measurement.
type process struct {
	cmd   *exec.Cmd
	input io.Closer
	said  string // with its ready
	lines *bufio.Reader
}

// launch starts a program and waits until it is ready. One of this binary is ready
// when it says so.
func launch(role, at string, env ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(append(os.Environ(), envRole+"="+role, envAt+"="+at), env...)
	p.cmd.Stderr = os.Stderr
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.lines = bufio.NewReader(out)
	if p.said, err = p.line("ready"); err != nil {
		p.end()
		return nil, fmt.Errorf("the process %q: %w", role, err)
	}
	return p, nil
}

// line waits for a line that begins with a word, and returns the rest of it.
func (p *process) line(word string) (string, error) {
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), word); ok {
			return strings.TrimSpace(rest), nil
		}
	}
}

func (p *process) end() {
	_ = p.input.Close() // it ends by that; how is of no interest any more
	_, _ = io.Copy(io.Discard, p.lines)
	_ = p.cmd.Wait()
}

//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// terminal is the program in a process of its own.
type terminal struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func open(t *testing.T, args ...string) *terminal {
	t.Helper()
	p := &terminal{cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(out)
	t.Cleanup(func() { p.kill() })
	return p
}

// until reads lines up to one that matches.
func (p *terminal) until(t *testing.T, pattern string) {
	t.Helper()
	for want := regexp.MustCompile(pattern); ; {
		line, err := p.stdout.ReadString('\n')
		if err != nil {
			t.Fatalf("no line matches %s: %v\n%s", pattern, err, &p.stderr)
		}
		if want.MatchString(line) {
			return
		}
	}
}

func (p *terminal) kill() {
	_ = p.cmd.Process.Kill() // fails only when it has ended
	_, _ = io.Copy(io.Discard, p.stdout)
	_ = p.cmd.Wait()
}

// A server, workers and a run are programs of their own. A worker and then the run are
// killed in the middle; started again with its id, the run goes on where it was.
func TestATerminalEach(t *testing.T) {
	b, err := natsbroker.Embedded(t.Context(), t.TempDir(), append(agreed, natsbroker.Listen("127.0.0.1:0"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	first := open(t, "-server", b.URL(), "-work")
	second := open(t, "-server", b.URL(), "-work")
	args := []string{"-server", b.URL(), "-id", "today"}
	killed := open(t, args...)
	killed.until(t, `\] is succeeded`)
	first.until(t, ` ms `)
	first.kill()
	killed.until(t, `\] is succeeded`)
	killed.kill()

	again := open(t, args...)
	output, err := io.ReadAll(again.stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, output, &again.stderr)
	}
	for _, row := range append(rows, `succeeded after`) {
		if !regexp.MustCompile(row).Match(output) {
			t.Errorf("no match for %s in\n%s", row, output)
		}
	}
	if err := second.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	done, err := io.ReadAll(second.stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.cmd.Wait(); err != nil {
		t.Errorf("the worker ended with %v\n%s", err, &second.stderr)
	}
	if n := strings.Count(string(done), " ms "); n == 0 || n > 8*3+1 {
		t.Errorf("the worker that was left did %d jobs:\n%s", n, done)
	}
}

func TestFlagsThatContradict(t *testing.T) {
	const nobody = "nats://127.0.0.1:1"
	for _, c := range []struct {
		want string
		args []string
	}{
		{"need the -server", []string{"-work"}},
		{"need the -server", []string{"-id", "x"}},
		{"-kill is for workers", []string{"-kill", "-server", nobody}},
		{nobody, []string{"-work", "-server", nobody}},
	} {
		p := open(t, c.args...)
		_, _ = io.Copy(io.Discard, p.stdout)
		if err := p.cmd.Wait(); err == nil || !strings.Contains(p.stderr.String(), c.want) {
			t.Errorf("%v: %v, %s", c.args, err, &p.stderr)
		}
	}
}

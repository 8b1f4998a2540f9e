//go:build unix

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// process is the tool as a process of its own, on a terminal.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	pty   *os.File
	gates *os.File
	ended chan struct{} // closed when the terminal has been read to its end

	mu      sync.Mutex
	changed *sync.Cond
	screen  *vt.Emulator
	raw     []byte
}

// onTerminal starts the tool on a terminal of this size, below a line that the
// tool must leave alone.
func onTerminal(t *testing.T, width, height int, env []string, args ...string) *process {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := tool(t, env, args...)
	cmd.ExtraFiles = []*os.File{read}
	p := &process{t: t, cmd: cmd, gates: write, ended: make(chan struct{}), screen: vt.NewEmulator(width, height)}
	p.changed = sync.NewCond(&p.mu)
	fmt.Fprint(p.screen, "before\r\n")
	p.pty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)})
	read.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		write.Close()
		<-p.ended
		p.pty.Close()
	})
	go p.read()
	return p
}

// tool is the test binary, called as the tool.
func tool(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Args = append([]string{"mytool"}, args...)
	cmd.Env = append(append(os.Environ(), asTool+"=gated", "TERM=xterm-256color", "NO_COLOR=", "GOCOVERDIR="+t.TempDir()), env...)
	return cmd
}

func (p *process) read() {
	defer close(p.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := p.pty.Read(buffer)
		p.mu.Lock()
		p.raw = append(p.raw, buffer[:n]...)
		_, _ = p.screen.Write(buffer[:n])
		p.mu.Unlock()
		p.changed.Broadcast()
		if err != nil {
			return
		}
	}
}

// lines are those of the screen, without spaces at their ends and without the
// empty ones at the end. The lock is held.
func (p *process) lines() []string {
	lines := strings.Split(p.screen.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \r")
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// see waits until the screen shows all of it, a regular expression each.
func (p *process) see(wants ...string) []string {
	p.t.Helper()
	late := time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})
	defer late.Stop()
	deadline := time.Now().Add(patience)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		lines := p.lines()
		screen := strings.Join(lines, "\n")
		missing := slices.IndexFunc(wants, func(want string) bool { return !regexp.MustCompile("(?m)" + want).MatchString(screen) })
		if missing < 0 {
			return lines
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the screen does not show %s:\n%s", wants[missing], screen)
		}
		p.changed.Wait()
	}
}

// open opens gates, a letter each.
func (p *process) open(letters string) {
	p.t.Helper()
	if _, err := p.gates.WriteString(letters); err != nil {
		p.t.Fatal(err)
	}
}

// press writes to the terminal, as a keyboard does.
func (p *process) press(keys string) {
	p.t.Helper()
	if _, err := p.pty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the process, and returns its exit status and the last screen.
func (p *process) end() (int, []string) {
	p.t.Helper()
	late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	err := p.cmd.Wait()
	<-p.ended
	if e, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || e.ExitCode() < 0) {
		p.t.Errorf("the process ended with %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.screen.CursorHidden() {
		p.t.Error("the cursor is hidden")
	}
	if at := p.screen.CursorPosition(); at.X != 0 {
		p.t.Errorf("the cursor is in column %d, want 0", at.X)
	}
	return p.cmd.ProcessState.ExitCode(), p.lines()
}

var durations = regexp.MustCompile(` +[0-9.]+(µs|ms|s|m[0-9]+s)`)

// timeless replaces durations, with the spaces before them.
func timeless(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, durations.ReplaceAllString(l, " TIME"))
	}
	return out
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProgressIsRedrawnInPlace(t *testing.T) {
	p := onTerminal(t, 80, 24, nil, "run", "steps")
	wantLines(t, timeless(p.see(`^running +fetch `, `^0 of 4 tasks, 1 running`)),
		"before",
		"running    fetch TIME",
		"pending    flaky",
		"pending    sizes",
		"pending    total",
		"0 of 4 tasks, 1 running, TIME",
	)
	p.open("a")
	p.see(`^succeeded  fetch`, `^running    sizes .* 0/3$`)
	p.open("bb")
	p.see(`^running    sizes .* 2/3, about .* left$`, `^running    flaky`)
	p.open("c")
	p.see(`^running    flaky .* attempt 2$`)
	p.open("c")
	p.see(`^succeeded  flaky .* 2 attempts$`)
	p.open("b")
	code, screen := p.end()
	if code != ExitOK {
		t.Errorf("exit status %d", code)
	}
	wantLines(t, timeless(screen),
		"before",
		"succeeded  fetch TIME",
		"succeeded  flaky TIME  2 attempts",
		"succeeded  sizes TIME  3/3",
		"succeeded  total TIME",
		"4 of 4 tasks, in TIME",
		"total: 60",
	)
	if !strings.Contains(string(p.raw), "\x1b[32msucceeded\x1b[m") {
		t.Errorf("no colour in %q", p.raw)
	}
}

// A small window shows the tasks at work and those that ended last, and nothing
// of what was there before is lost.
func TestProgressFitsIntoASmallWindow(t *testing.T) {
	p := onTerminal(t, 30, 8, nil, "run", "many", "--max-parallel", "2")
	lines := p.see(`2 running`, `and 29 tasks that do not fit`)
	for _, l := range lines {
		if len([]rune(l)) >= 30 {
			t.Errorf("line %q is as wide as the window", l)
		}
	}
	if len(lines) != 5 || lines[0] != "before" {
		t.Errorf("the screen shows\n%s", strings.Join(lines, "\n"))
	}
	p.open(strings.Repeat("e", 10))
	lines = p.see(`^10 of 31 tasks, 2 running`)
	// All but the last line, for the cursor: the ended ones above the running ones.
	// What was there before has scrolled up.
	if len(lines) != 7 || !strings.HasPrefix(lines[0], "succeeded") || !strings.HasPrefix(lines[3], "running") || p.screen.ScrollbackLen() != 1 {
		t.Errorf("the screen shows\n%s", strings.Join(lines, "\n"))
	}
	p.open(strings.Repeat("e", 20))
	code, lines := p.end()
	if code != ExitOK {
		t.Errorf("exit status %d", code)
	}
	if n := len(lines); !strings.HasPrefix(lines[n-2], "31 of 31 tasks, in ") || lines[n-1] != "end: 30" || strings.Count(strings.Join(lines, "\n"), "tasks, ") != 1 {
		t.Errorf("the screen shows\n%s", strings.Join(lines, "\n"))
	}
}

// The display follows the size of the window.
func TestResize(t *testing.T) {
	p := onTerminal(t, 80, 24, nil, "run", "steps")
	p.see(`^running    fetch`)
	p.resize(20, 24)
	p.open("a")
	for _, l := range p.see(`^running    sizes`, `^1 of 4 tasks`) {
		if len([]rune(l)) >= 20 {
			t.Errorf("line %q is as wide as the window", l)
		}
	}
	p.resize(100, 5)
	p.see(`that do not fit here$`)
	p.open("bbbcc")
	code, screen := p.end()
	if code != ExitOK || screen[len(screen)-1] != "total: 60" {
		t.Errorf("exit status %d, screen\n%s", code, strings.Join(screen, "\n"))
	}
}

func (p *process) resize(width, height int) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.Resize(width, height)
	if err := pty.Setsize(p.pty, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		p.t.Fatal(err)
	}
}

const ctrlC = "\x03"

// Ctrl-C cancels the run; what was finished is shown, and the rest is not there.
func TestInterruptOnce(t *testing.T) {
	p := onTerminal(t, 100, 30, nil, "run", "patient")
	p.see(`^running +fetch`)
	p.open("a")
	p.see(`^succeeded  fetch`, `^retrying   patient .* attempt 2 in .*: nobody is there$`)
	p.press(ctrlC)
	code, screen := p.end()
	text := strings.Join(screen, "\n")
	if code != ExitCancelled {
		t.Errorf("exit status %d, want %d", code, ExitCancelled)
	}
	for _, want := range []string{
		`^succeeded  fetch`,
		`^cancelled  patient`,
		`^mytool: the run was cancelled: interrupted by a signal: interrupt$`,
		`^TASK +STATE`,
		`^fetch +succeeded`,
		`^patient +cancelled`,
		`^2 tasks: 1 succeeded`,
	} {
		if !regexp.MustCompile("(?m)" + want).MatchString(text) {
			t.Errorf("the screen does not show %s:\n%s", want, text)
		}
	}
}

// A second Ctrl-C quits at once, though the task never returns.
func TestInterruptTwice(t *testing.T) {
	p := onTerminal(t, 80, 24, nil, "run", "stubborn")
	p.see(`^running +stubborn`)
	p.press(ctrlC)
	p.see(`^0 of 1 task, 1 running, .*, stopping; Ctrl-C again quits at once$`)
	p.press(ctrlC)
	if code, screen := p.end(); code != ExitCancelled || screen[0] != "before" || screen[len(screen)-1] != "mytool: quit without waiting for the tasks that run" {
		t.Errorf("exit status %d, want %d; screen\n%s", code, ExitCancelled, strings.Join(screen, "\n"))
	}
}

// NO_COLOR takes the colours, and nothing else.
func TestNoColor(t *testing.T) {
	p := onTerminal(t, 80, 24, []string{"NO_COLOR=1"}, "run", "steps")
	p.see(`^running +fetch`)
	p.open("abbbcc")
	if code, screen := p.end(); code != ExitOK || screen[1] != strings.TrimSpace(screen[1]) || !strings.HasPrefix(screen[1], "succeeded  fetch") {
		t.Errorf("exit status %d, screen\n%s", code, strings.Join(screen, "\n"))
	}
	if color := regexp.MustCompile(`\x1b\[[0-9;]*m`).Find(p.raw); color != nil {
		t.Errorf("there is %q in %q", color, p.raw)
	}
}

// A dumb terminal and a pipe get plain lines.
func TestPlainLines(t *testing.T) {
	p := onTerminal(t, 80, 40, []string{"TERM=dumb"}, "run", "steps")
	p.see(`running    fetch`)
	p.open("abbbcc")
	if code, screen := p.end(); code != ExitOK || strings.Contains(string(p.raw), "\x1b") || !strings.Contains(strings.Join(screen, "\n"), "running    fetch") {
		t.Errorf("exit status %d, output %q", code, p.raw)
	}

	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	cmd := tool(t, nil, "run", "steps")
	cmd.ExtraFiles = []*os.File{read}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read.Close()
	if _, err := write.WriteString("abbbcc"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stdout.String() != "total: 60\n" {
		t.Errorf("%v, standard output %q", err, stdout.String())
	}
	var lines []string
	for l := range strings.Lines(stderr.String()) {
		lines = append(lines, strings.TrimSpace(l))
	}
	lines = timeless(lines)
	for _, want := range []string{
		"running    fetch",
		"succeeded  fetch TIME",
		"running    sizes  3 elements",
		"succeeded  sizes TIME, 3/3",
		"retrying   flaky  attempt 2 in TIME: the line is busy",
		"succeeded  flaky TIME, 2 attempts",
		"4 of 4 tasks, in TIME",
	} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, want) }) {
			t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if strings.Contains(stderr.String(), "\x1b") {
		t.Errorf("an escape sequence in %q", stderr.String())
	}
}

// A signal reaches a run whose output is a file, too.
func TestTerminate(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	cmd := tool(t, nil, "run", "steps")
	cmd.ExtraFiles = []*os.File{read}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read.Close()
	var text strings.Builder
	buffer := make([]byte, 1000)
	for told := false; ; {
		n, err := stderr.Read(buffer)
		text.Write(buffer[:n])
		if !told && strings.Contains(text.String(), "running    fetch") {
			told = true
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != ExitCancelled || !strings.Contains(text.String(), "interrupted by a signal: terminated") {
		t.Errorf("exit status %d, want %d; standard error\n%s", code, ExitCancelled, text.String())
	}
}

// The examples of right calls are right: a shell reads them, and the run begins.
func TestExamplesCanBeCopied(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(path, filepath.Join(bin, "mytool")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, env string }{
		{"run train", "pipelines"},
		{"run train --alpha x --target=score", "pipelines"},
		{"run every-type", "pipelines"},
		{"run every-type --on=maybe --text it's --json", "pipelines"},
		{"sweep every-type", "pipelines"},
		{"sweep train --grid alpha=1,x", "pipelines"},
		{"bench measure -n 1", "pipelines"},
	} {
		got := called(t, "", pipelines(), strings.Fields(c.args)...)
		_, example, ok := strings.Cut(got.errors, "for example:\n  ")
		if got.code != ExitUsage || !ok {
			t.Errorf("%s: no example in %v", c.args, got)
			continue
		}
		example, _, _ = strings.Cut(example, "\n")
		cmd := exec.Command("sh", "-c", example)
		cmd.Env = append(os.Environ(), asTool+"="+c.env, "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code == ExitUsage || code < 0 || strings.Contains(string(out), "panic") {
			t.Errorf("%s: %v\n%s", example, err, out)
		}
	}
}

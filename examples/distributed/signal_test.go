//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// started is the program in a process of its own, whose workers are there.
func started(t *testing.T, temp string) (program *exec.Cmd, workers []int, stderr *bytes.Buffer, rest *bufio.Reader) {
	t.Helper()
	program = exec.Command(os.Args[0])
	program.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+temp)
	stderr = &bytes.Buffer{}
	program.Stderr = stderr
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	rest = bufio.NewReader(stdout)
	for len(workers) < 3 {
		line, err := rest.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, pid, _ := strings.Cut(strings.TrimSpace(line), " is process ")
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		workers = append(workers, n)
	}
	return program, workers, stderr, rest
}

// ended waits until there are no such processes.
func ended(t *testing.T, pids []int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(20 * time.Second); ; {
		alive := false
		for _, pid := range pids {
			alive = alive || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
		}
		if !alive {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("of the workers %v some are still there", pids)
		}
	}
}

// Interrupted, the program ends its workers, removes its files, and says so.
func TestInterrupted(t *testing.T) {
	temp := t.TempDir()
	program, workers, stderr, rest := started(t, temp)
	if err := program.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, rest)
	err := program.Wait()
	if program.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "context canceled") {
		t.Errorf("%v, standard error %q", err, stderr)
	}
	ended(t, workers)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Killed, the program cannot end its workers: they end by themselves.
func TestKilled(t *testing.T) {
	program, workers, _, rest := started(t, t.TempDir())
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, rest)
	_ = program.Wait()
	ended(t, workers)
}

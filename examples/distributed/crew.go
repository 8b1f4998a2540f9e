package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"text/tabwriter"
	"time"
)

// crew is the worker processes, and what they tell.
type crew struct {
	url     string
	out     io.Writer
	kill    bool   // one that measures a tempo; reset when it is done
	gone    func() // is called when all have ended by themselves
	workers []*member
	reading sync.WaitGroup

	mu        sync.Mutex
	alive     int
	dismissed bool
}

// member is a worker process.
type member struct {
	name   string
	cmd    *exec.Cmd
	input  io.Closer // it ends when this is closed
	jobs   int
	busy   time.Duration
	killed string // the job that it had
}

// hire starts a worker.
func (c *crew) hire() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	m := &member{name: fmt.Sprintf("worker %d", len(c.workers)+1), cmd: exec.Command(self)}
	m.cmd.Env = append(os.Environ(), workerOf+"="+c.url)
	m.cmd.Stderr = os.Stderr
	if m.input, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	output, err := m.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	c.mu.Lock()
	c.workers = append(c.workers, m)
	c.alive++
	fmt.Fprintf(c.out, "%s is process %d\n", m.name, m.cmd.Process.Pid)
	c.mu.Unlock()
	c.reading.Go(func() { c.read(m, output) })
	return nil
}

// read takes the notes of a worker until it ends.
func (c *crew) read(m *member, output io.Reader) {
	in := json.NewDecoder(output)
	for {
		var n note
		if in.Decode(&n) != nil { // a killed worker may leave half a note
			break
		}
		c.heard(m, n)
	}
	_ = m.cmd.Wait() // how it ended is in its state
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive--
	if c.dismissed {
		return
	}
	if m.killed == "" {
		fmt.Fprintf(c.out, "  %s  has ended: %v\n", m.name, m.cmd.ProcessState)
	}
	if c.alive == 0 {
		c.gone()
	}
}

func (c *crew) heard(m *member, n note) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case m.killed != "":
	case n.Ended:
		m.jobs++
		m.busy += n.Took
		fmt.Fprintf(c.out, "  %s  %s\n", m.name, n)
	case c.kill && n.Task == Tempo.Name():
		c.kill = false
		m.killed = job(n.Task, n.Index)
		_ = m.cmd.Process.Kill() // fails only when it has ended
		fmt.Fprintf(c.out, "  %s  %-13s killed in the middle of it\n", m.name, m.killed)
	}
}

// dismiss ends the workers and waits for them.
func (c *crew) dismiss() {
	c.mu.Lock()
	c.dismissed = true
	c.mu.Unlock()
	for _, m := range c.workers {
		_ = m.input.Close() // fails only when the worker has ended
	}
	c.reading.Wait()
}

// sum tells what each worker did.
func (c *crew) sum() {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nworker\tjobs\tat work\n")
	for _, m := range c.workers {
		fate := ""
		if m.killed != "" {
			fate = "killed; another worker did its " + m.killed
		}
		fmt.Fprintf(w, "%s\t%d\t%.0f ms\t%s\n", m.name, m.jobs, float64(m.busy)/float64(time.Millisecond), fate)
	}
	w.Flush()
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errSignal is the cause of a run that was cancelled by a signal.
var errSignal = errors.New("interrupted")

// Main does what the program's arguments say and ends the program with the exit
// status. SIGINT (Ctrl-C) or SIGTERM cancels what is going on, which ends when
// the running tasks have returned; a second one ends the program at once. The
// display never hides the cursor and leaves it below what it drew, so there is
// nothing to clean up but the terminal's echo of the key.
func (t *Tool) Main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		cancel(fmt.Errorf("%w by a signal: %v", errSignal, s))
		<-signals
		t.quit()
		os.Exit(ExitCancelled)
	}()
	os.Exit(t.Run(ctx, os.Args[1:], Streams{os.Stdin, os.Stdout, os.Stderr}))
}

// quit says that the program ends, but does not wait for a terminal that is
// stopped.
func (t *Tool) quit() {
	said := make(chan struct{})
	go func() {
		defer close(said)
		if _, ok := terminalOf(os.Stderr); ok {
			fmt.Fprint(os.Stderr, "\r\x1b[K")
		}
		fmt.Fprintf(os.Stderr, "%s: quit without waiting for the tasks that run\n", t.name)
	}()
	select {
	case <-said:
	case <-time.After(time.Second):
	}
}

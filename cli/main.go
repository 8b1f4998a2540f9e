package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// errSignal is the cause of a run that was cancelled by a signal.
var errSignal = errors.New("interrupted")

// Main does what the program's arguments say and ends the program with the exit
// status. SIGINT (Ctrl-C) or SIGTERM cancels what is going on, which ends when
// the running tasks have returned; a second one ends the program at once. The
// display never hides the cursor and leaves it below what it drew, so there is
// nothing to clean up.
func (t *Tool) Main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		cancel(fmt.Errorf("%w by a signal: %v", errSignal, s))
		<-signals
		os.Exit(ExitCancelled)
	}()
	os.Exit(t.Run(ctx, os.Args[1:], Streams{os.Stdin, os.Stdout, os.Stderr}))
}

package natsbroker

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/runnelflow/runnel"
)

// fatal ends the process that does it, in a way that nothing recovers.
var fatal = runnel.NewTask("fatal", func(ctx context.Context, in struct{ How string }) (string, error) {
	switch in.How {
	case "a panic of another goroutine":
		go func() { panic(in.How) }()
	case "os.Exit":
		os.Exit(3)
	case "no memory left":
		exhaust()
	case "killed by the kernel":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // as its out-of-memory killer does
	}
	<-ctx.Done()
	return "", ctx.Err()
}, runnel.Retries(5))

// exhaust asks for more memory than any system gives, which ends the process as running out
// of it step by step does. With a limit of the process in the place of that, the race
// detector runs out first now and then, and ends the process by a status of its own.
func exhaust() { exhausted = make([]byte, 1<<47) }

var exhausted []byte

// playFatal is a worker that dies of what it does.
func playFatal(ctx context.Context) error {
	b, err := Connect(ctx, "nats://"+os.Getenv(envAt), append(agreed, MaxDeliveries(doomed))...)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	return runnel.NewWorker(b, fatal).Run(ctx)
}

// TestATaskThatEndsItsWorkers: in whatever way it does, it is done by as many workers as
// the broker allows, which are no retries of its own, fails with their story, and is kept
// as a dead letter.
func TestATaskThatEndsItsWorkers(t *testing.T) {
	for how, status := range map[string]string{
		"a panic of another goroutine": "exit status 2",
		"os.Exit":                      "exit status 3",
		"no memory left":               "exit status 2",
		"killed by the kernel":         "signal: killed",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			url := startURL(t)
			b, err := Connect(t.Context(), url, append(agreed, MaxDeliveries(doomed))...)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			p, err := runnel.FromTasks(fatal)
			if err != nil {
				t.Fatal(err)
			}
			run, err := p.Start(t.Context(), runnel.Values{"how": how}, runnel.WithBroker(b))
			if err != nil {
				t.Fatal(err)
			}
			for range doomed {
				w := start(t, "fatal", strings.TrimPrefix(url, "nats://"))
				<-w.ended
				if got := w.cmd.ProcessState.String(); got != status {
					t.Errorf("the worker ended with %s, want %s", got, status)
				}
			}
			healthy := start(t, "fatal", strings.TrimPrefix(url, "nats://")) // it gets no more of it
			res, err := run.Wait(t.Context())
			if want := fmt.Sprintf("it was delivered %d times and never finished; its workers died or were cut off:", doomed); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the run ended with %v, want %q", err, want)
			}
			if got, _ := res.Report().Task("fatal"); got.State != runnel.Failed || got.Attempts != 1 {
				t.Errorf("the task is %v after %d attempts, want that it has failed in its first", got.State, got.Attempts)
			}
			letters, err := b.Dead(t.Context())
			if err != nil || len(letters) != 1 || letters[0].Job.Task != "fatal" || len(letters[0].Story) != doomed {
				t.Errorf("the dead letters are %v, %v, want one with the story of %d workers", letters, err, doomed)
			}
			healthy.end(t)
		})
	}
}

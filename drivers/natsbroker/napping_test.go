package natsbroker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// naps are elements that take as long as they are told to, and write down in a ledger
// what becomes of them, and in which process.
var naps = runnel.NewMapTask("naps[i]", func(ctx context.Context, in struct {
	Nap    time.Duration `runnel:"lengths[i]"`
	Ledger string
}) (int, error) {
	note := func(what string) error {
		f, err := os.OpenFile(in.Ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = fmt.Fprintf(f, "%s %v %d\n", what, in.Nap, os.Getpid())
		return err
	}
	if err := note("begin"); err != nil {
		return 0, err
	}
	pause(ctx, in.Nap)
	if ctx.Err() != nil {
		_ = note("stopped")
		return 0, context.Cause(ctx)
	}
	return os.Getpid(), note("done")
})

// playNapper is a worker for naps.
func playNapper(ctx context.Context) error {
	b, err := Connect(ctx, "nats://"+os.Getenv(envAt), append(agreed, silentAfter(napperSilence))...)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	return runnel.NewWorker(b, naps, runnel.Concurrency(2), runnel.DrainTimeout(time.Second)).Run(ctx)
}

// bedroom is a server, and a run of naps.
type bedroom struct {
	url, at, ledger string
	b               *Broker
	opts            []runnel.RunOption
}

func newBedroom(t *testing.T) *bedroom {
	url := startURL(t)
	b, err := Connect(t.Context(), url, agreed...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &bedroom{url, strings.TrimPrefix(url, "nats://"), filepath.Join(t.TempDir(), "ledger"), b, nil}
}

// napper starts a worker for naps, a process of its own that does two at once.
func (r *bedroom) napper(t *testing.T) *process {
	t.Helper()
	p := start(t, "napper", r.at)
	t.Cleanup(p.kill)
	return p
}

// run starts the run.
func (r *bedroom) run(t *testing.T, ctx context.Context, lengths ...time.Duration) *runnel.Run {
	t.Helper()
	p, err := runnel.FromTasks(naps)
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Start(ctx, runnel.Values{"lengths": lengths, "ledger": r.ledger}, append(r.opts, runnel.WithBroker(r.b))...)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// await waits until the ledger has lines that begin in a way, and returns how long
// that took.
func (r *bedroom) await(t *testing.T, count int, begin string) time.Duration {
	t.Helper()
	since := time.Now()
	for {
		page, _ := os.ReadFile(r.ledger)
		if strings.Count("\n"+string(page), "\n"+begin) >= count {
			return time.Since(since)
		}
		if time.Since(since) > 20*time.Second {
			t.Fatalf("the ledger has not %d lines %q:\n%s", count, begin, page)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// TestCancellationReachesEveryProcess within a second.
func TestCancellationReachesEveryProcess(t *testing.T) {
	r := newBedroom(t)
	r.napper(t)
	r.napper(t)
	ctx, cancel := context.WithCancel(t.Context())
	run := r.run(t, ctx, time.Minute, time.Minute, time.Minute, time.Minute)
	r.await(t, 4, "begin")
	cancel()
	if took := r.await(t, 4, "stopped"); took > time.Second {
		t.Errorf("the tasks were stopped after %v, want within a second", took)
	}
	if _, err := run.Wait(t.Context()); err == nil {
		t.Error("the run has succeeded")
	}
}

// TestTerminatedWorkerDrains: what it finishes in time counts, and the rest is done
// elsewhere at once, without the wait for a lease.
func TestTerminatedWorkerDrains(t *testing.T) {
	r := newBedroom(t)
	worker := r.napper(t)
	const short, long = 400 * time.Millisecond, 5 * time.Second
	run := r.run(t, t.Context(), long, short)
	r.await(t, 2, "begin")
	other := r.napper(t)
	if err := worker.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.await(t, 1, "stopped "+long.String())
	if took := r.await(t, 2, "begin "+long.String()); took > shortLease/2 {
		t.Errorf("what was given back was begun elsewhere after %v, want at once", took)
	}
	worker.await(t)
	res, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := naps.Get(res)
	if err != nil || got[0] != other.cmd.Process.Pid || got[1] != worker.cmd.Process.Pid {
		t.Errorf("the naps were taken by %v, %v, want the long one by %d and the short one by %d", got, err, other.cmd.Process.Pid, worker.cmd.Process.Pid)
	}
	if page, _ := os.ReadFile(r.ledger); strings.Count(string(page), "begin "+short.String()) != 1 {
		t.Errorf("what was finished was begun again:\n%s", page)
	}
}

// listen collects the messages below a filter as they come to the server, which stamps
// them: how long something took between two of them does not depend on when this
// process has its turn.
func listen(t *testing.T, b *Broker, stream, filter string) (heard func() []jetstream.Msg) {
	t.Helper()
	var mu sync.Mutex
	var all []jetstream.Msg
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = b.follow(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverAllPolicy}, func(msgs []jetstream.Msg) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, msgs...)
			begin()
			return nil
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	await(t, "the first messages are there", begun)
	return func() []jetstream.Msg {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// stamp is the server's time of a message.
func stamp(t *testing.T, m jetstream.Msg) time.Time {
	t.Helper()
	meta, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	return meta.Timestamp
}

// TestRecoveryFromADeadWorker within its lease and half a second, from its last sign of
// life on, by the server's clock.
func TestRecoveryFromADeadWorker(t *testing.T) {
	r := newBedroom(t)
	signs := listen(t, r.b, "workers", r.b.names.all("worker"))
	worker := r.napper(t)
	const long = 3 * time.Second
	run := r.run(t, t.Context(), long)
	r.await(t, 1, "begin")
	r.napper(t)
	worker.kill()
	r.await(t, 2, "begin")
	queue, err := r.b.stream("jobs").Consumer(t.Context(), "q-"+token(broker.DefaultQueue)+"-"+broker.Normal.String())
	if err != nil {
		t.Fatal(err)
	}
	again := queue.CachedInfo().Delivered.Last
	var last time.Time
	for _, m := range signs() {
		if m.Subject() == signs()[0].Subject() { // that of the first worker
			last = stamp(t, m)
		}
	}
	took := again.Sub(last)
	t.Logf("recovered in %v, with a lease of %v", took, shortLease)
	if took < shortLease*9/10 || took > shortLease+500*time.Millisecond {
		t.Errorf("the job of the dead worker was delivered again after %v, want within %v, and not before the lease was over", took, shortLease+500*time.Millisecond)
	}
	if _, err := run.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// pipelineOfNaps is what a coordinator serves.
func pipelineOfNaps() *runnel.Pipeline {
	return runnel.NewPipeline(runnel.PipelineName("naps")).Add(naps)
}

// playDriver is the process of a run of two naps, whose ledger its environment names.
func playDriver(ctx context.Context) error {
	b, err := Connect(ctx, "nats://"+os.Getenv(envAt), agreed...)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	_, err = pipelineOfNaps().Run(ctx, runnel.Values{"lengths": []time.Duration{10 * time.Millisecond, 3 * time.Second}, "ledger": os.Getenv(envLedger)},
		runnel.WithBroker(b), runnel.RunID("nightly"))
	return err
}

// playCoordinator drives on what others leave.
func playCoordinator(ctx context.Context) error {
	b, err := connect(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	return runnel.NewCoordinator(b, pipelineOfNaps(), loadOf(0), loadOf(1)).Run(ctx)
}

// TestTakeoverByACoordinator within the lease and a second, from the last claim of who
// died on, by the server's clock; and what was done is not done again.
func TestTakeoverByACoordinator(t *testing.T) {
	r := newBedroom(t)
	r.napper(t)
	driver := start(t, "driver", r.at, envLedger+"="+r.ledger)
	t.Cleanup(driver.kill)
	r.await(t, 1, "done 10ms")
	r.await(t, 1, "begin 3s")
	for range 2 {
		coordinator := start(t, "coordinator", r.at)
		t.Cleanup(func() { coordinator.end(t) })
	}
	states := listen(t, r.b, "kept", r.b.names.kept("nightly"))
	changes := watchRuns(t, r.b, "nightly")
	first := until(t, changes, "driven", func(run *broker.Run) bool { return run.Owner != "" }).Owner
	driver.kill()
	until(t, changes, "taken over", func(run *broker.Run) bool { return run.Owner != "" && run.Owner != first })
	run := until(t, changes, "closed", func(run *broker.Run) bool { return run.Outcome != nil })
	if run.Outcome.State != "succeeded" {
		t.Errorf("the run has %s: %+v", run.Outcome.State, run.Outcome.Failure)
	}
	var last, next time.Time
	for _, m := range states() {
		var w wireKept
		if err := cborIn.Unmarshal(m.Data(), &w); err != nil {
			t.Fatal(err)
		}
		switch {
		case w.Owner == first:
			last = stamp(t, m)
		case w.Owner != "" && next.IsZero():
			next = stamp(t, m)
		}
	}
	took := next.Sub(last)
	t.Logf("taken over in %v, with a lease of %v", took, shortLease)
	if took < shortLease || took > shortLease+time.Second {
		t.Errorf("the run was taken over after %v, want within %v, and not before the lease was over", took, shortLease+time.Second)
	}
	if page, _ := os.ReadFile(r.ledger); strings.Count(string(page), "begin 10ms") != 1 || strings.Count(string(page), "begin 3s") != 1 {
		t.Errorf("what was done or going on was begun again:\n%s", page)
	}
}

// playDoomed is a coordinator that dies of what it drives.
func playDoomed(ctx context.Context) error {
	b, err := Connect(ctx, "nats://"+os.Getenv(envAt), append(agreed, MaxDeliveries(doomed))...)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	return runnel.NewCoordinator(b, pipelineOfNaps(), runnel.Observe(func(e runnel.Event) {
		if _, ok := e.(runnel.TaskStarted); ok {
			os.Exit(3)
		}
	})).Run(ctx)
}

// doomed is how many processes a run may end.
const doomed = 3

// TestARunThatEndsItsCoordinators is not taken over for ever.
func TestARunThatEndsItsCoordinators(t *testing.T) {
	r := newBedroom(t)
	_, err := pipelineOfNaps().Submit(t.Context(), runnel.Values{"lengths": []time.Duration{time.Minute}, "ledger": r.ledger}, runnel.WithBroker(r.b), runnel.RunID("nightly"))
	if err != nil {
		t.Fatal(err)
	}
	changes := watchRuns(t, r.b, "nightly")
	for range doomed {
		p := launch(t, "doomed", r.at)
		<-p.ended
		if code := p.cmd.ProcessState.ExitCode(); code != 3 {
			t.Fatalf("a coordinator ended with %v", p.cmd.ProcessState)
		}
	}
	survivor := start(t, "doomed", r.at)
	t.Cleanup(func() { survivor.end(t) })
	o := until(t, changes, "closed", func(run *broker.Run) bool { return run.Outcome != nil }).Outcome
	if !o.IsGivenUp() || !strings.Contains(o.Failure.Text, fmt.Sprintf(`run "nightly" was given up: it was driven %d times`, doomed)) {
		t.Errorf("it has ended as %+v, %+v", o, o.Failure)
	}
	if left := remains(t, r.b, "nightly"); slices.ContainsFunc(left, func(s string) bool { return !strings.Contains(s, ".kept.") }) {
		t.Errorf("left of its jobs: %v", left)
	}
}

package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// several are brokers of one namespace, each with a connection of its own.
func several(t *testing.T, n int, opts ...Option) []*Broker {
	t.Helper()
	url := startURL(t)
	opts = append([]Option{Namespace(fmt.Sprintf("test%d", namespaces.Add(1)))}, opts...)
	var all []*Broker
	for range n {
		b, err := Connect(t.Context(), url, opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		all = append(all, b)
	}
	return all
}

func keptRun(id string) *broker.Run {
	return &broker.Run{ID: id, Pipeline: "p", Graph: "g", Nodes: []*broker.Node{{Task: "task", Inputs: []string{"in"}}},
		Inputs: []broker.Input{{Name: "in", Value: broker.Go{V: 7}}}, Options: broker.RunOptions{ErrorMode: "FailFast"}, Opened: time.Now()}
}

func mustOpen(t *testing.T, b *Broker, r *broker.Run) *broker.Run {
	t.Helper()
	kept, err := b.Open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// watchRuns is every change of runs, one by one.
func watchRuns(t *testing.T, b *Broker, id string) <-chan *broker.Run {
	t.Helper()
	changes := make(chan *broker.Run, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Runs(ctx, id, func(runs []*broker.Run) {
			for _, r := range runs {
				changes <- r
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Runs ended with %v", err)
		}
	})
	return changes
}

// until is the first change of a kind.
func until(t *testing.T, changes <-chan *broker.Run, what string, is func(*broker.Run) bool) *broker.Run {
	t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case r := <-changes:
			if is(r) {
				return r
			}
		case <-late:
			t.Fatalf("no run was told that is %s", what)
		}
	}
}

// TestOneOfManyClaims: of brokers that claim a run at once, each with a connection of
// its own, one gets it.
func TestOneOfManyClaims(t *testing.T) {
	all := several(t, 4)
	for round := range 10 {
		id := fmt.Sprint("r", round)
		mustOpen(t, all[0], keptRun(id))
		errs := make(chan error, len(all))
		for k, b := range all {
			go func() {
				_, err := b.Claim(t.Context(), id, fmt.Sprint("owner", k))
				errs <- err
			}()
		}
		got := 0
		for range all {
			switch err := <-errs; {
			case err == nil:
				got++
			case !errors.Is(err, broker.ErrClaimed):
				t.Fatal(err)
			}
		}
		if got != 1 {
			t.Fatalf("%d owners have claimed run %s, want one", got, id)
		}
	}
}

// TestTakeover: the claim of an owner who is not heard of any more is told to be over,
// and taken, within a second of its lease; one that is claimed anew is not, nor does
// a cancellation by somebody else make it last longer.
func TestTakeover(t *testing.T) {
	all := several(t, 2, Lease(time.Second))
	mustOpen(t, all[0], keptRun("r"))
	renew := time.NewTicker(400 * time.Millisecond)
	defer renew.Stop()
	for range 4 {
		if _, err := all[0].Claim(t.Context(), "r", "first"); err != nil {
			t.Fatal(err)
		}
		<-renew.C
	}
	changes := watchRuns(t, all[1], "")
	until(t, changes, "claimed", func(r *broker.Run) bool { return r.Owner == "first" })
	if _, err := all[1].Claim(t.Context(), "r", "second"); !errors.Is(err, broker.ErrClaimed) {
		t.Fatalf("got %v, want that it is claimed", err)
	}
	if _, err := all[0].Claim(t.Context(), "r", "first"); err != nil {
		t.Fatal(err)
	}
	claimed := func() time.Time {
		t.Helper()
		k, err := all[1].state(t.Context(), "r")
		if err != nil {
			t.Fatal(err)
		}
		return k.claimed()
	}
	last := claimed()
	if err := all[1].Cancel(t.Context(), "r", "enough"); err != nil {
		t.Fatal(err)
	}
	r := until(t, changes, "free", func(r *broker.Run) bool { return r.Owner == "" })
	if r.Cancelled != "enough" {
		t.Errorf("the run is cancelled for %q", r.Cancelled)
	}
	if _, err := all[1].Claim(t.Context(), "r", "second"); err != nil {
		t.Fatal(err)
	}
	if took := claimed().Sub(last); took < time.Second || took > 2*time.Second {
		t.Errorf("it was taken over after %v, want within a second of the lease", took)
	}
	if _, err := all[0].Claim(t.Context(), "r", "first"); !errors.Is(err, broker.ErrClaimed) {
		t.Errorf("the former owner got %v, want that it is claimed", err)
	}
	if err := all[0].Conclude(t.Context(), "r", "first", &broker.Outcome{State: "succeeded"}); !errors.Is(err, broker.ErrClaimed) {
		t.Errorf("the former owner got %v, want that it is claimed", err)
	}
}

// TestClaimsOfADeadProcessAreVoid on an embedded server without a socket, which no
// other process can use.
func TestClaimsOfADeadProcessAreVoid(t *testing.T) {
	dir := t.TempDir()
	b := embedded(t, dir)
	mustOpen(t, b, keptRun("r"))
	if _, err := b.Claim(t.Context(), "r", "first"); err != nil {
		t.Fatal(err)
	}
	b.Close()
	b = embedded(t, dir)
	if r := mustOpen(t, b, keptRun("r")); r.Owner != "" {
		t.Errorf("it is driven by %q", r.Owner)
	}
	if r := <-watchRuns(t, b, "r"); r.Owner != "" {
		t.Errorf("it is told to be driven by %q", r.Owner)
	}
	if _, err := b.Claim(t.Context(), "r", "second"); err != nil {
		t.Error(err)
	}
}

// TestClosedRunsAreDropped after their lifetime, and told to be; nothing stays of them.
func TestClosedRunsAreDropped(t *testing.T) {
	b := several(t, 1, Lifetime(time.Second))[0]
	mustOpen(t, b, keptRun("r"))
	changes := watchRuns(t, b, "")
	if _, err := b.Claim(t.Context(), "r", "me"); err != nil {
		t.Fatal(err)
	}
	if err := b.Conclude(t.Context(), "r", "me", &broker.Outcome{State: "failed", Failure: &broker.Failure{Text: "no"}, Tasks: []broker.TaskOutcome{{Task: "task", State: "failed"}}}); err != nil {
		t.Fatal(err)
	}
	r := until(t, changes, "closed", func(r *broker.Run) bool { return r.Outcome != nil })
	if r.Outcome.Failure.Text != "no" || r.Outcome.Tasks[0].Task != "task" || r.Owner != "" {
		t.Errorf("the outcome is %+v, driven by %q", r.Outcome, r.Owner)
	}
	if r := until(t, changes, "dropped", func(r *broker.Run) bool { return r.Dropped }); r.ID != "r" || r.Pipeline != "" {
		t.Errorf("dropped is %+v", r)
	}
	if _, err := b.Claim(t.Context(), "r", "me"); !errors.Is(err, broker.ErrUnknownRun) {
		t.Errorf("got %v, want that it is not known", err)
	}
}

// TestLargeRunsAreKept: a graph, inputs and an outcome that are larger than a message
// may be.
func TestLargeRunsAreKept(t *testing.T) {
	all := several(t, 2)
	r := keptRun("r")
	large := slices.Repeat([]int{1 << 40, 3, 9}, 400_000)
	r.Inputs = append(r.Inputs, broker.Input{Name: "large", Value: broker.Go{V: large}})
	o := &broker.Outcome{State: "succeeded"}
	for n := range 30_000 {
		name := fmt.Sprintf("task-%s", digest([]byte(fmt.Sprint(n))))
		r.Nodes = append(r.Nodes, &broker.Node{Task: name, Fingerprint: digest([]byte(name))})
		o.Tasks = append(o.Tasks, broker.TaskOutcome{Task: name, State: "succeeded", Attempts: 1})
	}
	mustOpen(t, all[0], r)
	if _, err := all[0].Claim(t.Context(), "r", "me"); err != nil {
		t.Fatal(err)
	}
	if err := all[0].Conclude(t.Context(), "r", "me", o); err != nil {
		t.Fatal(err)
	}
	got := mustOpen(t, all[1], keptRun("r"))
	var in []int
	if err := got.Inputs[1].Value.Decode(t.Context(), &in); err != nil || !slices.Equal(in, large) {
		t.Errorf("the input has %d numbers, %v", len(in), err)
	}
	if len(got.Nodes) != len(r.Nodes) || got.Nodes[777].Fingerprint != r.Nodes[777].Fingerprint || len(got.Outcome.Tasks) != len(o.Tasks) {
		t.Errorf("there are %d nodes and %d outcomes", len(got.Nodes), len(got.Outcome.Tasks))
	}
	bad := keptRun("bad")
	bad.Inputs[0].Value = broker.Go{V: make(chan int)}
	if _, err := all[0].Open(t.Context(), bad); err == nil || !strings.Contains(err.Error(), `input "in"`) {
		t.Errorf("got %v, want the name of the input", err)
	}
}

// TestReopenedElsewhere: results that another broker's Reopen forgot can be submitted
// by one that had seen them.
func TestReopenedElsewhere(t *testing.T) {
	all := several(t, 2)
	mine, other := all[0], all[1]
	mustOpen(t, mine, keptRun("r"))
	claim := func() {
		t.Helper()
		if _, err := mine.Claim(t.Context(), "r", "me"); err != nil {
			t.Fatal(err)
		}
	}
	claim()
	jobs := func() []broker.Batch { return []broker.Batch{{job("r", 1, "a")}, {job("r", 2, "b")}} }
	if err := mine.Submit(t.Context(), jobs()); err != nil {
		t.Fatal(err)
	}
	w := worker(t, mine, "w")
	for range 2 {
		d, _ := receive[string](t, mine, w)
		r := broker.ResultOf(d.Jobs[0])
		if r.Element == 2 {
			r.Failure = &broker.Failure{Text: "no"}
		}
		if _, err := mine.Finish(t.Context(), d, r); err != nil {
			t.Fatal(err)
		}
	}
	forget := func(r *broker.Result) bool { return r.Failure != nil }
	if err := other.Reopen(t.Context(), keptRun("r"), forget); !errors.Is(err, broker.ErrClaimed) {
		t.Fatalf("got %v, want that it is claimed", err)
	}
	if err := mine.Unclaim(t.Context(), "r", "me"); err != nil {
		t.Fatal(err)
	}
	if err := mine.Submit(t.Context(), nil); err != nil { // which knows both by now
		t.Fatal(err)
	}
	again := keptRun("r")
	again.Graph = "another"
	if err := other.Reopen(t.Context(), again, forget); err != nil {
		t.Fatal(err)
	}
	if err := other.Reopen(t.Context(), keptRun("unknown"), forget); !errors.Is(err, broker.ErrUnknownRun) {
		t.Fatalf("got %v, want that it is not known", err)
	}
	if r := mustOpen(t, mine, keptRun("r")); r.Graph != "another" || r.Owner != "" || r.Outcome != nil {
		t.Errorf("it is kept as %+v", r)
	}
	claim()
	if err := mine.Submit(t.Context(), jobs()); err != nil {
		t.Fatal(err)
	}
	if d, in := receive[string](t, mine, w); in != "b" {
		t.Errorf("got job %s, want the one that failed", d.Jobs[0].ID())
	}
	for what, want := range map[string]uint64{"jobs": 1, "kept": 2} {
		if info, err := mine.stream(what).Info(t.Context()); err != nil || info.State.Msgs != want {
			t.Errorf("stream %s has %d messages, want %d: %v", what, info.State.Msgs, want, err)
		}
	}
}

// TestJobsOfARunThatBeginsAgain reach a worker whose broker has not heard of it yet.
func TestJobsOfARunThatBeginsAgain(t *testing.T) {
	all := several(t, 2)
	mine, other := all[0], all[1]
	w := worker(t, other, "w")
	if err := mine.Submit(t.Context(), []broker.Batch{{job("r", 1, "a")}}); err != nil {
		t.Fatal(err)
	}
	other.marked(token("r"), &mark{Ended: true, Keep: true}, 0) // an end that is over
	late := time.AfterFunc(300*time.Millisecond, func() { other.marked(token("r"), &mark{}, 0) })
	defer late.Stop()
	if _, err := mine.putMark(t.Context(), "r", &mark{}); err != nil {
		t.Fatal(err)
	}
	if _, in := receive[string](t, other, w); in != "a" {
		t.Errorf("got %q", in)
	}
}

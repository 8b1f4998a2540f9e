package natsbroker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// TestASlowFollowerStallsNobody: one that does not take results for as long as a run
// takes holds up neither the run nor others, and gets all of them afterwards.
func TestASlowFollowerStallsNobody(t *testing.T) {
	all := several(t, 2)
	gate, got := make(chan struct{}), make(chan int, 10_000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all[1].Results(ctx, "r", func(results []*broker.Result) {
			<-gate
			got <- len(results)
		})
	}()
	const count = 1500
	texts := make([]string, count)
	wholeRunOf(t, all[0], texts, runnel.RunID("r"))
	close(gate)
	for left := count + 1; left > 0; {
		select {
		case n := <-got:
			left -= n
		case <-time.After(20 * time.Second):
			t.Fatalf("%d results never came", left)
		}
	}
	cancel()
	<-ended
}

// TestFullStreamsHoldUpRuns: a run that has more than there is room for waits, so that
// what is out is bounded, and completes.
func TestFullStreamsHoldUpRuns(t *testing.T) {
	texts := make([]string, 100)
	for k := range texts {
		var b strings.Builder
		for b.Len() < 40_000 {
			fmt.Fprintf(&b, "%x", rand.Uint64())
		}
		texts[k] = b.String()
	}
	for name, o := range map[string][]Option{"jobs": {MaxJobs(4)}, "bytes": {MaxBytes(1 << 20), Compress(-1)}} {
		t.Run(name, func(t *testing.T) {
			b := several(t, 1, o...)[0]
			var most atomic.Uint64
			ctx, cancel := context.WithCancel(t.Context())
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				for ctx.Err() == nil {
					if info, err := b.stream("jobs").Info(ctx); err == nil {
						most.Store(max(most.Load(), info.State.Msgs))
					}
				}
			}()
			wholeRunOf(t, b, texts)
			cancel()
			<-watched
			if n := most.Load(); n == 0 || n > 30 || name == "jobs" && n > 4 {
				t.Errorf("there were %d jobs at once", n)
			}
		})
	}
}

// wholeRunOf is a run over texts with a worker.
func wholeRunOf(t *testing.T, b *Broker, texts []string, opts ...runnel.RunOption) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(b, sizes, largest).Run(ctx) }()
	p, err := runnel.FromTasks(sizes, largest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(ctx, runnel.Values{"texts": texts}, append(opts, runnel.WithBroker(b))...); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// altered is a message with other fields.
func altered(t *testing.T, data []byte, fields map[int]any) []byte {
	t.Helper()
	m := map[int]any{}
	if err := cbor.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range fields {
		m[k] = v
	}
	return must(cborOut.Marshal(m))
}

// TestNewerMessages: a job of a newer version stays in the queue, for newer workers; a
// field that is not known does no harm; a run that meets a newer result says so.
func TestNewerMessages(t *testing.T) {
	b := several(t, 1)[0]
	submit(t, b, job("r", 1, "a"))
	w := worker(t, b, "w")
	m, err := b.after(t.Context(), "jobs", 1, b.names.all("job"))
	if err != nil || m == nil {
		t.Fatal(m, err)
	}
	put := func(fields map[int]any) {
		t.Helper()
		if err := b.purge(t.Context(), "jobs", b.names.all("job")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Data: altered(t, m.Data, fields)}); err != nil {
			t.Fatal(err)
		}
	}
	put(map[int]any{0: wireVersion + 1})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if got, err := b.Receive(ctx, w, 1); err == nil {
		t.Fatalf("got %d jobs of a newer version", len(got))
	}
	if left, err := b.after(t.Context(), "jobs", 1, m.Subject); err != nil || left == nil {
		t.Fatalf("the job of the newer version is gone: %v", err)
	}
	put(map[int]any{99: "new"})
	d, in := receive[string](t, b, w)
	if in != "a" {
		t.Errorf("got %q", in)
	}
	if _, err := b.Finish(t.Context(), d, broker.ResultOf(job("r", 1, "a"))); err != nil {
		t.Fatal(err)
	}
	done, err := b.after(t.Context(), "runs", 1, b.names.doneOf("r"))
	if err != nil || done == nil {
		t.Fatal(done, err)
	}
	if _, err := b.js.Publish(t.Context(), done.Subject, altered(t, done.Data, map[int]any{0: wireVersion + 1})); err != nil {
		t.Fatal(err)
	}
	if err := b.Results(t.Context(), "r", func([]*broker.Result) {}); err == nil || !strings.Contains(err.Error(), "bring it up to date") {
		t.Errorf("got %v, want that the process is to be brought up to date", err)
	}
}

// TestVersionsOfMessages: what a process of the first version understands is written with
// that version, and jobs or results of several tasks, which it would take for those of
// one, with the next.
func TestVersionsOfMessages(t *testing.T) {
	b := several(t, 1)[0]
	versions := func(stream, subjects string) (all []int) {
		t.Helper()
		err := b.each(t.Context(), stream, subjects, 1, func(_ uint64, data []byte) error {
			var w struct {
				Version int `cbor:"0,keyasint"`
			}
			if err := cborIn.Unmarshal(data, &w); err != nil {
				return err
			}
			all = append(all, w.Version)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	w := worker(t, b, "w")
	plain := func(k int) *broker.Job {
		j := job("r", k, "a")
		j.Task, j.Element, j.Index = fmt.Sprintf("task%d", k), broker.Whole, nil
		return j
	}
	for _, of := range []struct {
		what  string
		batch broker.Batch
		parts [][]int // of it, that are finished together
		job   int
		done  []int
	}{
		{"one job", broker.Batch{plain(1)}, [][]int{{0}}, wirePlain, []int{wirePlain}},
		{"elements", broker.Batch{job("r", 0, "a"), job("r", 1, "b"), job("r", 2, "c")}, [][]int{{0, 2}, {1}}, wirePlain, []int{wirePlain, wirePlain}},
		{"several tasks", broker.Batch{plain(2), plain(3), plain(4)}, [][]int{{1}, {0, 2}}, wireMixed, []int{wirePlain, wireMixed}},
	} {
		if err := b.Submit(t.Context(), []broker.Batch{of.batch}); err != nil {
			t.Fatal(err)
		}
		if got := versions("jobs", b.names.all("job")); !slices.Equal(got, []int{of.job}) {
			t.Errorf("%s: the job has version %v, want %d", of.what, got, of.job)
		}
		d, err := b.Receive(t.Context(), w, 1)
		if err != nil || len(d[0].Jobs) != len(of.batch) {
			t.Fatal(d, err)
		}
		for _, part := range of.parts {
			var results []*broker.Result
			for _, k := range part {
				results = append(results, broker.ResultOf(d[0].Jobs[k]))
			}
			if n, err := b.Finish(t.Context(), d[0], results...); err != nil || n != len(part) {
				t.Fatal(n, err)
			}
		}
		p := d[0].Token.(*held).parcel
		if got := versions("runs", b.names.done(p)); !slices.Equal(got, of.done) {
			t.Errorf("%s: the records have versions %v, want %v", of.what, got, of.done)
		}
		for left := 1; left > 0; {
			info, err := b.stream("jobs").Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			left = int(info.State.Msgs)
		}
	}
}

// TestSentTimesDecideNothing: runs whose processes have wrong clocks are in the order in
// which they were opened, and a delivery that claims to be of another day counts.
func TestSentTimesDecideNothing(t *testing.T) {
	b := several(t, 1, Lease(300*time.Millisecond), MaxDeliveries(2))[0]
	for k, ahead := range []time.Duration{24 * time.Hour, -24 * time.Hour, 0} {
		r := keptRun(fmt.Sprint(k))
		r.Opened = r.Opened.Add(ahead)
		mustOpen(t, b, r)
	}
	changes := watchRuns(t, b, "")
	for k := range 3 {
		if r := <-changes; r.ID != fmt.Sprint(k) {
			t.Errorf("run %d is %s", k, r.ID)
		}
	}
	submit(t, b, job("r", 1, "a"))
	receive[string](t, b, worker(t, b, "w"))
	skewed := must(cborOut.Marshal(wireDelivered{Worker: "another", At: time.Now().Add(-48 * time.Hour)}))
	if err := b.nc.Publish(b.names.got(newParcel(broker.Batch{job("r", 1, "a")})), skewed); err != nil {
		t.Fatal(err)
	}
	results := make(chan *broker.Result, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Results(ctx, "r", func(all []*broker.Result) {
			for _, r := range all {
				results <- r
			}
		})
	}()
	if r := <-results; r.Failure == nil || r.Failure.Kind != broker.Undone || r.Deliveries != 2 {
		t.Errorf("the result is %+v", r)
	}
	cancel()
	<-ended
}

// TestAJobHasOneDeadLetter, whoever gives it up besides: the last, with one result.
func TestAJobHasOneDeadLetter(t *testing.T) {
	all := several(t, 2)
	j := job("r", 1, "a")
	for k, b := range all {
		if err := b.giveUp(t.Context(), j, []wireDelivered{{Worker: fmt.Sprint("w", k), At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := all[0].Dead(t.Context())
	if err != nil || len(letters) != 1 || letters[0].Story[0].Worker != "w1" {
		t.Errorf("there are %d dead letters, %v, want the last", len(letters), err)
	}
	results := 0
	err = all[0].eachResult(t.Context(), "r", func(*broker.Result) { results++ })
	if err != nil || results != 1 {
		t.Errorf("there are %d results, %v, want 1", results, err)
	}
}

// TestALateRecordOfARunThatHasEnded: who gives up a job of a direct run, and has not heard
// that the run has ended meanwhile, leaves nothing behind.
func TestALateRecordOfARunThatHasEnded(t *testing.T) {
	all := several(t, 2)
	j := directly(job("r", 1, "a"))[0]
	submit(t, all[0], j)
	if _, err := all[0].End(t.Context(), "r", broker.End{}); err != nil {
		t.Fatal(err)
	}
	for !all[1].isGone("r") {
		<-time.After(time.Millisecond)
	}
	all[1].marked("r", &mark{}, 0) // as before that news came
	if _, _, err := all[1].record(t.Context(), newParcel(broker.Batch{j}), 0, []*broker.Result{broker.HandBackOf(j, broker.Orphaned)}); err != nil {
		t.Fatal(err)
	}
	if left := remains(t, all[0], "r"); len(left) > 0 {
		t.Errorf("left at the server: %v", left)
	}
}

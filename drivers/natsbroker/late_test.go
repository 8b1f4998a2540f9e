package natsbroker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel/broker"
)

// endOf ends a run with one broker, and waits until another one has heard of it. What that
// forgets then is as if the news were still on its way.
func endOf(t *testing.T, run string, by, other *Broker) {
	t.Helper()
	if _, err := by.End(t.Context(), run, broker.End{}); err != nil {
		t.Fatal(err)
	}
	for !other.isGone(run) {
		<-time.After(time.Millisecond)
	}
	other.marked(token(run), &mark{}, 0)
}

// TestAResultBehindTheEndOfItsRun is removed by the one who recorded it, as soon as that
// hears of the end.
func TestAResultBehindTheEndOfItsRun(t *testing.T) {
	all := several(t, 2)
	j := job("r", 1, "a")
	submit(t, all[0], j)
	endOf(t, "r", all[0], all[1])
	end, err := all[1].last(t.Context(), "runs", all[1].names.end("r"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := all[1].record(t.Context(), newParcel(broker.Batch{j}), 0, []*broker.Result{broker.ResultOf(j)}); err != nil {
		t.Fatal(err)
	}
	if left := remains(t, all[0], "r"); len(left) == 0 {
		t.Fatal("nothing was recorded: the test has lost its subject")
	}
	all[1].marked(token("r"), &mark{Ended: true}, end.Sequence)
	awaitNothing(t, all[0], "r")
}

// TestTheLastResultIsForgottenWithItsRun: it is in front of the mark, so that nobody but
// the one who ends the run removes anything.
func TestTheLastResultIsForgottenWithItsRun(t *testing.T) {
	b := several(t, 1)[0]
	j := job("r", 1, "a")
	submit(t, b, j)
	if _, _, err := b.record(t.Context(), newParcel(broker.Batch{j}), 0, []*broker.Result{broker.ResultOf(j)}); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	last := b.late[token("r")]
	b.mu.Unlock()
	if last.seq == 0 || last.run != "r" {
		t.Errorf("the last result is noted as %+v", last)
	}
	if _, err := b.End(t.Context(), "r", broker.End{}); err != nil {
		t.Fatal(err)
	}
	end, err := b.last(t.Context(), "runs", b.names.end("r"))
	if err != nil || end.Sequence <= last.seq {
		t.Errorf("the mark is at %v (%v), behind %d", end, err, last.seq)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.late) > 0 {
		t.Errorf("still noted after the end: %v", b.late)
	}
}

// overtaken is a value that does something while it is written.
type overtaken struct{ by func() }

func (v overtaken) MarshalJSON() ([]byte, error) {
	v.by()
	return []byte("1"), nil
}

// TestWhoFinishesTooLateCleansUpOnce: its result was on its way when its run ended, so it
// is behind the mark; the requests that remove it are made once.
func TestWhoFinishesTooLateCleansUpOnce(t *testing.T) {
	all := several(t, 2)
	submit(t, all[0], job("r", 1, "a"))
	d, _ := receive[string](t, all[1], worker(t, all[1], "w"))
	var requests *nats.Subscription
	res := broker.ResultOf(d.Jobs[0])
	res.Outputs = []broker.Value{broker.Go{V: overtaken{func() {
		if _, err := all[0].End(t.Context(), "r", broker.End{}); err != nil {
			t.Error(err)
		}
		for !all[1].isGone("r") {
			<-time.After(time.Millisecond)
		}
		var err error
		if requests, err = all[0].nc.SubscribeSync("$JS.API.STREAM.PURGE.>"); err == nil {
			err = all[0].nc.FlushTimeout(10 * time.Second)
		}
		if err != nil {
			t.Error(err)
		}
	}}}}
	if n, err := all[1].Finish(t.Context(), d, res); n != 0 || err != nil {
		t.Errorf("%d results counted, %v, want none and nil", n, err)
	}
	awaitNothing(t, all[0], "r")
	if requests == nil {
		t.Fatal("the result was not written: the test has lost its subject")
	}
	if err := all[0].nc.FlushTimeout(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n, _, err := requests.Pending(); n != 3 || err != nil {
		t.Errorf("%d requests to remove something (%v), want one for each of the streams of results, deliveries and values", n, err)
	}
}

// TestANoteBehindTheEndOfItsRun: a delivery that is written down when its run has ended is
// removed by the worker that has it.
func TestANoteBehindTheEndOfItsRun(t *testing.T) {
	all := several(t, 2)
	submit(t, all[0], job("r", 1, "a"))
	d, _ := receive[string](t, all[1], worker(t, all[1], "w"))
	if _, err := all[0].End(t.Context(), "r", broker.End{}); err != nil {
		t.Fatal(err)
	}
	<-d.Context.Done()
	h := d.Token.(*held)
	if err := all[1].note(h.parcel, "w"); err != nil {
		t.Fatal(err)
	}
	if err := all[1].nc.FlushTimeout(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	for len(remains(t, all[0], "r")) == 0 { // it is stored in a moment
		<-time.After(time.Millisecond)
	}
	stopped := broker.ResultOf(h.parcel.jobs[0])
	stopped.Failure = &broker.Failure{Kind: broker.Stopped}
	if _, err := all[1].Finish(t.Context(), d, stopped); err != nil {
		t.Fatal(err)
	}
	awaitNothing(t, all[0], "r")
}

// TestStoredValuesAreForgottenWithTheirRun, also of runs that are kept.
func TestStoredValuesAreForgottenWithTheirRun(t *testing.T) {
	b := several(t, 1)[0]
	for _, keep := range []bool{true, false} {
		var w wireValue
		if err := b.store(t.Context(), "r", []byte("bytes"), &w); err != nil {
			t.Fatal(err)
		}
		if len(b.stored) != 1 {
			t.Errorf("%d runs have stored values, want 1", len(b.stored))
		}
		if _, err := b.End(t.Context(), "r", broker.End{Keep: keep}); err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		if len(b.stored) != 0 {
			t.Errorf("%d runs have stored values after the end", len(b.stored))
		}
		b.mu.Unlock()
	}
}

// TestAWorkerWithTooManyTasks says how much it would have to say.
func TestAWorkerWithTooManyTasks(t *testing.T) {
	b := several(t, 1)[0]
	w := worker(t, b, "w")
	for k := range 20_000 {
		w.Tasks = append(w.Tasks, &broker.Task{Name: fmt.Sprint("task", k), Fingerprint: strings.Repeat("f", 20), Types: []broker.Field{{Path: "input n", Type: "int"}}})
	}
	_, err := b.Extend(t.Context(), w, nil)
	if err == nil || !strings.Contains(err.Error(), "several workers") || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("got %v", err)
	}
}

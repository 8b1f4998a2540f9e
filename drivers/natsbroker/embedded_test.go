package natsbroker

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// job is one of a run, with one input.
func job(run string, n int, input any) *broker.Job {
	return &broker.Job{Run: run, Task: "task", Element: n, Index: []int{n}, Attempt: 1, Key: "key", Queue: "q",
		Inputs: []broker.Input{{Name: "in", Value: broker.Go{V: input}}}}
}

// submit queues jobs, each in a batch of its own.
func submit(t *testing.T, b *Broker, jobs ...*broker.Job) {
	t.Helper()
	var batches []broker.Batch
	for _, j := range jobs {
		batches = append(batches, broker.Batch{j})
	}
	if err := b.Submit(t.Context(), batches); err != nil {
		t.Fatal(err)
	}
}

// worker is one that waits for those jobs.
func worker(t *testing.T, b *Broker, id string) *broker.Worker {
	t.Helper()
	w := &broker.Worker{ID: id, Queues: []string{"q"}, Tasks: []*broker.Task{{Name: "task"}}}
	if _, err := b.Extend(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func embedded(t *testing.T, dir string, opts ...Option) *Broker {
	t.Helper()
	b, err := Embedded(t.Context(), dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// receive is the next job, whose only input is decoded into in.
func receive[T any](t *testing.T, b *Broker, w *broker.Worker) (*broker.Delivery, T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := b.Receive(ctx, w, 1)
	if err != nil {
		t.Fatal(err)
	}
	var in T
	if err := got[0].Jobs[0].Inputs[0].Value.Decode(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	return got[0], in
}

// TestEmbeddedHasNoSocket unless it is asked for.
func TestEmbeddedHasNoSocket(t *testing.T) {
	b := embedded(t, t.TempDir())
	if b.URL() != "" || b.server.Addr() != nil {
		t.Errorf("it listens at %q, %v", b.URL(), b.server.Addr())
	}
	submit(t, b, job("r", 1, "hello"))
	if _, in := receive[string](t, b, worker(t, b, "w")); in != "hello" {
		t.Errorf("got %q", in)
	}
}

// TestEmbeddedListensOnLoopback where only a port is given.
func TestEmbeddedListensOnLoopback(t *testing.T) {
	b := embedded(t, t.TempDir(), Listen(":0"))
	if !strings.Contains(b.URL(), "127.0.0.1:") {
		t.Errorf("it listens at %s, want loopback", b.URL())
	}
}

// TestFolderInUse is an error that says so.
func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	first := embedded(t, dir)
	_, err := Embedded(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("got %v, want that the folder is in use", err)
	}
	first.Close()
	embedded(t, dir) // and it is free again
}

// TestRestartKeepsEverything: jobs, results and values are there when the server
// starts again, and a job that was with a worker is delivered again.
func TestRestartKeepsEverything(t *testing.T) {
	dir, large := t.TempDir(), strings.Repeat("0123456789abcdef", 200_000)
	opts := []Option{Lease(500 * time.Millisecond), Compress(-1)}
	b := embedded(t, dir, opts...)
	submit(t, b, job("r", 1, "small"), job("r", 2, large), job("r", 3, "held"))
	w := worker(t, b, "w")
	done, _ := receive[string](t, b, w)
	r := broker.ResultOf(done.Jobs[0])
	r.Outputs = []broker.Value{broker.Go{V: 42}}
	if first, err := b.Finish(t.Context(), done, r); err != nil || first != 1 {
		t.Fatal(first, err)
	}
	receive[string](t, b, w) // and is never heard of again
	b.Close()

	b = embedded(t, dir, opts...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	results := make(chan []*broker.Result, 1)
	go b.Results(ctx, "r", func(r []*broker.Result) {
		select {
		case results <- r:
		case <-ctx.Done(): // later ones, which nobody waits for
		}
	})
	got := <-results
	var out int
	if len(got) != 1 || got[0].Outputs[0].Decode(t.Context(), &out) != nil || out != 42 {
		t.Fatalf("there are %d results, want that of the finished job, 42", len(got))
	}
	w = worker(t, b, "w2")
	var inputs []string
	for range 2 {
		d, in := receive[string](t, b, w)
		inputs = append(inputs, in)
		if _, err := b.Finish(t.Context(), d, broker.ResultOf(d.Jobs[0])); err != nil {
			t.Fatal(err)
		}
	}
	if len(inputs[0])+len(inputs[1]) != len(large)+len("held") {
		t.Errorf("the inputs have %d and %d bytes", len(inputs[0]), len(inputs[1]))
	}
}

// TestNothingIsLeft of a run that ended and is not kept, but its mark.
func TestNothingIsLeft(t *testing.T) {
	b := embedded(t, t.TempDir())
	for n := range 5 {
		submit(t, b, job("r", n, base64.StdEncoding.EncodeToString(noise(n, 1<<20))))
	}
	if info, err := b.stream("values").Info(t.Context()); err != nil || info.State.Msgs < 5 {
		t.Fatalf("the inputs of 5 jobs are not stored: %+v, %v", info, err)
	}
	w := worker(t, b, "w")
	d, _ := receive[string](t, b, w)
	if _, err := b.Finish(t.Context(), d, broker.ResultOf(d.Jobs[0])); err != nil {
		t.Fatal(err)
	}
	if _, err := b.End(t.Context(), "r", broker.End{}); err != nil {
		t.Fatal(err)
	}
	for what, most := range map[string]uint64{"jobs": 0, "values": 0, "got": 0, "dead": 0, "runs": 1} {
		info, err := b.stream(what).Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs > most {
			t.Errorf("stream %s has %d messages left, want %d", what, info.State.Msgs, most)
		}
	}
}

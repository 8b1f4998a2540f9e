package brokertest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
)

var jobs = []rule{{
	name: "job arrives whole",
	rule: "a worker receives a job with everything that was submitted, whatever characters the names have",
	why:  "names are the users' own: data is called tracks[i], tasks of nested pipelines have slashes, run ids have dots and blanks",
	check: func(h *harness) {
		sent := &broker.Job{
			Run: "nightly 2026.11/*>é", Pipeline: "p.q", Task: "report/a b[.>*", Element: 7, Index: []int{3, 1}, Attempt: 2,
			Key: "k%2F/x[3,1]", Fingerprint: "abc", Queue: "gpu.big one", Priority: broker.High, Left: 90 * time.Minute,
			Inputs: []broker.Input{
				{Name: "tracks", Value: broker.Go{V: "one"}},
				{Name: "absent"},
				{Name: "config", Value: broker.Go{V: map[string]int{"a": 1}}, Whole: true},
			},
		}
		want := *sent
		w := worker("w", "gpu.big one")
		w.Tasks = []*broker.Task{{Pipeline: "p.q", Name: "report/a b[.>*", Fingerprint: "abc"}}
		_, err := h.b.Extend(h.ctx, w, nil)
		h.must(err, "Extend")
		h.submit(sent)
		got := h.receive(w).Jobs[0]
		if s := decode[string](h, got.Inputs[0].Value); s != "one" {
			h.fail("the first input is %q, want one", s)
		}
		if got.Inputs[1].Value != nil {
			h.fail("an absent input arrived as %v", got.Inputs[1].Value)
		}
		if m := decode[map[string]int](h, got.Inputs[2].Value); m["a"] != 1 || len(m) != 1 {
			h.fail("the third input is %v", m)
		}
		for i := range got.Inputs {
			if got.Inputs[i].Name != want.Inputs[i].Name {
				h.fail("input %d is called %q, want %q", i, got.Inputs[i].Name, want.Inputs[i].Name)
			}
		}
		have := *got
		have.Inputs, want.Inputs = nil, nil
		if !reflect.DeepEqual(have, want) {
			h.fail("the job arrived as %+v, want %+v", have, want)
		}
	},
}, {
	name: "large value",
	rule: "values of some megabytes arrive, in jobs and in results",
	why:  "audio, images and tables are what pipelines work on; how they travel is the broker's business",
	check: func(h *harness) {
		text := strings.Repeat("0123456789abcdef", 1<<18)
		w := h.join("w")
		results := h.follow("r")
		j := job("r", 1)
		j.Inputs[0].Value = broker.Go{V: text}
		h.submit(j)
		d := h.receive(w)
		if decode[string](h, d.Jobs[0].Inputs[0].Value) != text {
			h.fail("the value of %d bytes arrived changed", len(text))
		}
		h.finish(d, done(d, w, text))
		if decode[string](h, h.next(results).Outputs[0]) != text {
			h.fail("the output of %d bytes arrived changed", len(text))
		}
	},
}, {
	name: "output as input",
	rule: "a value of a result can be an input of a later job of the run",
	why:  "what one worker made and another takes need not be encoded again by the run",
	check: func(h *harness) {
		w := h.join("w")
		results := h.follow("r")
		h.submit(job("r", 1))
		d := h.receive(w)
		h.finish(d, done(d, w, "made"))
		j := job("r", 2)
		j.Inputs[0].Value = h.next(results).Outputs[0]
		h.submit(j)
		if got := decode[string](h, h.receive(w).Jobs[0].Inputs[0].Value); got != "made" {
			h.fail("the input is %q, want made", got)
		}
	},
}, {
	name: "submitted once",
	rule: "a job whose ID is known is not queued again: while it is queued, with a worker, or finished",
	why:  "a run submits again when it does not know whether it did, after a lost connection or its own restart",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1), job("r", 1))
		h.submit(job("r", 1))
		d := h.receive(w)
		h.nothing(w, lease/5)
		h.submit(job("r", 1))
		h.nothing(w, lease/5)
		h.finish(d, done(d, w, 1))
		h.submit(job("r", 1))
		h.nothing(w, lease/5)
	},
}, {
	name: "attempts are jobs",
	rule: "another attempt, another element, a fallback and another run are other jobs",
	why:  "retries are the run's: it submits the next attempt while the last one is still known",
	check: func(h *harness) {
		w := h.join("w")
		base := func(change func(*broker.Job)) *broker.Job {
			j := job("r", 1)
			j.Element = 0
			change(j)
			return j
		}
		sent := []*broker.Job{
			base(func(*broker.Job) {}),
			base(func(j *broker.Job) { j.Attempt = 2 }),
			base(func(j *broker.Job) { j.Element = 1 }),
			base(func(j *broker.Job) { j.Cause = &broker.Failure{Text: "why"} }),
			base(func(j *broker.Job) { j.Run = "other" }),
		}
		want := map[string]bool{}
		for _, j := range sent {
			want[j.ID()] = true
		}
		if len(want) != len(sent) {
			h.fail("the IDs are not all different: %v", want)
		}
		h.submit(sent...)
		for range sent {
			j := h.receive(w).Jobs[0]
			if !want[j.ID()] {
				h.fail("job %s came twice, or was not submitted", j.ID())
			}
			if j.Cause != nil && j.Cause.Text != "why" {
				h.fail("the cause arrived as %+v", j.Cause)
			}
			delete(want, j.ID())
		}
	},
}, {
	name: "queues",
	rule: "a worker gets jobs of its own queues only, and of all of them",
	why:  "a queue stands for what a machine has: a job for a GPU is of no use elsewhere",
	check: func(h *harness) {
		cpu, both := h.join("cpu", "default"), h.join("both", "gpu", "default")
		one, two := job("r", 1), job("r", 2)
		one.Queue = "gpu"
		h.submit(one)
		h.nothing(cpu, lease/5)
		if d := h.receive(both); d.Jobs[0].Task != "task1" {
			h.fail("got %s, want task1", d.Jobs[0].Task)
		}
		h.submit(two)
		if d := h.receive(both); d.Jobs[0].Task != "task2" {
			h.fail("got %s, want task2", d.Jobs[0].Task)
		}
	},
}, {
	name: "priority",
	rule: "of what is queued, jobs of a higher priority are delivered first",
	why:  "an urgent run does not wait behind a long one",
	check: func(h *harness) {
		w := h.join("w")
		for n, p := range []broker.Priority{broker.Low, broker.Normal, broker.High} {
			j := job("r", n)
			j.Priority = p
			h.submit(j)
		}
		for _, want := range []string{"task2", "task1", "task0"} {
			if d := h.receive(w); d.Jobs[0].Task != want {
				h.fail("got %s (%v), want %s", d.Jobs[0].Task, d.Jobs[0].Priority, want)
			}
		}
	},
}, {
	name: "order",
	rule: "jobs of one task, queue and priority are delivered in the order in which they were submitted",
	why:  "otherwise an early job can wait for ever while later ones come",
	check: func(h *harness) {
		w := h.join("w")
		for e := range 20 {
			j := job("r", 1)
			j.Element = e
			h.submit(j)
		}
		for e := range 20 {
			if d := h.receive(w); d.Jobs[0].Element != e {
				h.fail("got element %d, want %d", d.Jobs[0].Element, e)
			}
		}
	},
}, {
	name: "nothing ahead",
	rule: "Receive(n) returns at most n jobs, and leaves all others to other workers",
	why:  "a job that was fetched ahead waits behind a slow one, or loses its lease there, while other workers are idle",
	check: func(h *harness) {
		slow, other := h.join("slow"), h.join("other")
		for n := range 5 {
			h.submit(job("r", n))
		}
		got, err := h.b.Receive(h.ctx, slow, 2)
		h.must(err, "Receive")
		if len(got) < 1 || len(got) > 2 {
			h.fail("Receive(2) returned %d jobs", len(got))
		}
		for range 5 - len(got) {
			h.receive(other)
		}
	},
}, {
	name: "receive waits",
	rule: "Receive waits for a job and returns it when it comes",
	why:  "an idle worker costs nothing, and a job starts at once",
	check: func(h *harness) {
		w := h.join("w")
		for n := range 20 { // most of the times it is waiting when the job comes
			type received struct {
				held []*broker.Delivery
				err  error
			}
			got := make(chan received, 1)
			go func() {
				held, err := h.b.Receive(h.ctx, w, 3)
				got <- received{held, err}
			}()
			h.submit(job("r", n))
			select {
			case r := <-got:
				h.must(r.err, "Receive")
				if len(r.held) != 1 || r.held[0].Jobs[0].Task != job("r", n).Task {
					h.fail("Receive returned %d jobs, want the one that was submitted", len(r.held))
				}
				h.finish(r.held[0], done(r.held[0], w, n))
			case <-h.ctx.Done():
				h.fail("Receive did not return the job")
			}
		}
	},
}, {
	name: "context of a call",
	rule: "a call returns when its context ends, with the cause, and takes no job with it",
	why:  "a worker that drains stops waiting; a job that came at that moment must not be lost",
	check: func(h *harness) {
		w := h.join("w")
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(h.ctx)
		failed := make(chan error, 1)
		go func() {
			_, err := h.b.Receive(ctx, w, 1)
			failed <- err
		}()
		cancel(cause)
		select {
		case err := <-failed:
			if !errors.Is(err, cause) {
				h.fail("Receive returned %v, want the cause", err)
			}
		case <-h.ctx.Done():
			h.fail("Receive did not return")
		}
		h.submit(job("r", 1))
		h.receive(w)
		if err := h.b.Submit(ctx, alone(job("r", 2))); !errors.Is(err, cause) {
			h.fail("Submit with an ended context returned %v, want the cause", err)
		}
		if err := h.b.Results(ctx, "r", func([]*broker.Result) {}); !errors.Is(err, cause) {
			h.fail("Results with an ended context returned %v, want the cause", err)
		}
	},
}}

package brokertest

import (
	"context"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// keep extends leases until the test ends or stop is called.
func (h *harness) keep(w *broker.Worker, held ...*broker.Delivery) (stop func()) {
	ctx, cancel := context.WithCancel(h.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			each, err := h.b.Extend(ctx, w, held)
			if err != nil {
				return
			}
			select {
			case <-time.After(each / 3):
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

var leases = []rule{{
	name:     "dead worker",
	rule:     "a job whose worker is not heard of for the time of a lease goes to another one, soon after",
	why:      "machines are switched off, processes are killed",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		h.submit(job("r", 1))
		first := h.receive(a)
		began := time.Now()
		second := h.receive(b)
		if took := time.Since(began); took > lease+lease+500*time.Millisecond {
			h.fail("it took %v with a lease of %v", took, lease)
		} else if took < lease/2 {
			h.fail("the job was given away after %v, within the lease of %v", took, lease)
		}
		if first.Number != 1 || second.Number != 2 {
			h.fail("the deliveries are number %d and %d, want 1 and 2", first.Number, second.Number)
		}
		h.ended(first, lease, broker.ErrLeaseLost)
		if second.Context.Err() != nil {
			h.fail("the second delivery's context has ended too")
		}
	},
}, {
	name:     "live worker",
	rule:     "a worker that extends keeps its job for as long as it likes",
	why:      "tasks take hours, and nobody knows beforehand how long; a job done twice at a time is wasted, or worse",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		h.submit(job("r", 1))
		d := h.receive(a)
		stop := h.keep(a, d)
		h.nothing(b, 4*lease)
		stop()
		if d.Context.Err() != nil {
			h.fail("its context ended: %v", context.Cause(d.Context))
		}
		if !h.finish(d, done(d, a, 1)) {
			h.fail("its result was dropped")
		}
	},
}, {
	name:     "lease of all",
	rule:     "Extend extends every lease that it is given, and no other",
	why:      "one call a third of a lease is enough for a worker, however many jobs it has",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		h.submit(job("r", 1), job("r", 2), job("r", 3))
		one, two, three := h.receive(a), h.receive(a), h.receive(a)
		stop := h.keep(a, one, three)
		defer stop()
		if d := h.receive(b); d.Jobs[0].Task != two.Jobs[0].Task {
			h.fail("%s was given away, want %s", d.Jobs[0].Task, two.Jobs[0].Task)
		}
		h.nothing(b, lease/2)
	},
}, {
	name:     "first result counts",
	rule:     "of the results of a job the first is recorded; Finish says so to the others, without an error",
	why:      "a worker that was cut off finishes a job that another has finished too: exactly one result may count",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		results := h.follow("r")
		h.submit(job("r", 1))
		first := h.receive(a)
		second := h.receive(b)
		if !h.finish(second, done(second, b, "b")) {
			h.fail("the first result was dropped")
		}
		if h.finish(first, done(first, a, "a")) {
			h.fail("a second result was recorded")
		}
		if h.finish(second, done(second, b, "again")) {
			h.fail("a repeated result was recorded")
		}
		h.submit(job("r", 2))
		d := h.receive(b)
		h.finish(d, done(d, b, 2))
		if r := h.next(results); decode[string](h, r.Outputs[0]) != "b" || r.Worker != "b" {
			h.fail("the result is %+v, want that of b", r)
		}
		if r := h.next(results); r.Task != "task2" {
			h.fail("another result of %s came, want one", r.Task)
		}
	},
}, {
	name:     "late result",
	rule:     "a worker that has lost its lease may still be the first to finish, and the job is over then",
	why:      "its work is done and right: throwing it away helps nobody",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		results := h.follow("r")
		h.submit(job("r", 1))
		late := h.receive(a)
		h.ended(late, 3*lease, broker.ErrLeaseLost)
		if !h.finish(late, done(late, a, "late")) {
			h.fail("the first result was dropped")
		}
		// Whether it was with b by then or not: b's result does not count.
		ctx, cancel := context.WithTimeout(h.ctx, lease)
		defer cancel()
		if got, _ := h.b.Receive(ctx, b, 1); len(got) > 0 && h.finish(got[0], done(got[0], b, "b")) {
			h.fail("a second result was recorded")
		}
		if r := h.next(results); decode[string](h, r.Outputs[0]) != "late" {
			h.fail("the result is %+v, want the late one", r)
		}
	},
}, {
	name:     "release",
	rule:     "a released job is delivered again at once, and the delivery does not count, however often",
	why:      "a worker that drains gives back what it has not begun: nobody failed",
	settings: Settings{MaxDeliveries: 2},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		h.submit(job("r", 1))
		for range 5 {
			d := h.receive(a)
			if d.Number != 1 {
				h.fail("the delivery is number %d, want 1", d.Number)
			}
			h.must(h.b.Release(h.ctx, []*broker.Delivery{d}, 0), "Release")
		}
		began := time.Now()
		d := h.receive(b)
		if took := time.Since(began); took > time.Second {
			h.fail("it took %v to be delivered again", took)
		}
		if d.Number != 1 {
			h.fail("the delivery is number %d, want 1", d.Number)
		}
		if !h.finish(d, done(d, b, 1)) {
			h.fail("its result was dropped")
		}
	},
}, {
	name: "release for later",
	rule: "a job released for later is not delivered before that time",
	why:  "a worker that cannot do a job, as an old binary among new ones, leaves time for others to take it",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1))
		h.must(h.b.Release(h.ctx, []*broker.Delivery{h.receive(w)}, lease), "Release")
		began := time.Now()
		h.receive(w)
		if took := time.Since(began); took < lease/2 {
			h.fail("it came again after %v, want %v", took, lease)
		}
	},
}, {
	name:     "given up",
	rule:     "a job that was delivered MaxDeliveries times and not finished ends as failed, with the story of its deliveries, and is kept as a dead letter",
	why:      "a job that kills its worker would kill one after the other; somebody has to be able to see which it was",
	settings: Settings{Lease: lease, MaxDeliveries: 3},
	check: func(h *harness) {
		results := h.follow("r")
		h.submit(job("r", 1))
		ids := []string{"victim-a", "victim-b", "victim-c"}
		for n, id := range ids {
			if d := h.receive(h.join(id)); d.Number != n+1 {
				h.fail("the delivery is number %d, want %d", d.Number, n+1)
			}
		}
		r := h.next(results)
		if r.Failure == nil || r.Failure.Kind != broker.Undone || r.Deliveries != 3 || r.Task != "task1" || r.Attempt != 1 {
			h.fail("the result is %+v with failure %+v, want one that was given up after 3 deliveries", r, r.Failure)
		}
		for _, id := range ids {
			if !strings.Contains(r.Failure.Text, id) {
				h.fail("the story does not name worker %s: %s", id, r.Failure.Text)
			}
		}
		h.nothing(h.join("next"), lease)
		dead, ok := h.b.(broker.DeadLetterer)
		if !ok {
			h.fail("a %T does not tell its dead letters", h.b)
		}
		letters, err := dead.Dead(h.ctx)
		h.must(err, "Dead")
		if len(letters) != 1 || letters[0].Job.Task != "task1" || len(letters[0].Story) != 3 {
			h.fail("the dead letters are %+v, want that of task1 with its 3 deliveries", letters)
		}
		if n := decode[int](h, letters[0].Job.Inputs[0].Value); n != 1 {
			h.fail("the dead letter's input is %d, want 1", n)
		}
	},
}}

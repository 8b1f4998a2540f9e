package brokertest

import (
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// directly makes jobs those of a run whose results go straight to who follows it.
func directly(jobs ...*broker.Job) broker.Batch {
	for _, j := range jobs {
		j.Once, j.Direct = true, true
	}
	return jobs
}

var direct = []rule{{
	name: "direct results",
	rule: "results of jobs that are direct arrive whole, once each and in any company, also when somebody follows only later",
	why:  "that nothing is kept of a result is no reason to lose it, or to have it twice",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(directly(job("r", 1))...)
		d := h.receive(w)
		if !h.finish(d, done(d, w, "early")) {
			h.fail("a result was dropped")
		}
		got := h.follow("r")
		if r := h.next(got); decode[string](h, r.Outputs[0]) != "early" || r.Worker != "w" || r.Deliveries != 1 {
			h.fail("got %+v, want the result of the job that was finished before anybody followed", r)
		}
		h.submitBatch(directly(batch("r", 0, 1, 2, 3)...))
		d = h.receive(w)
		h.want(d, 0, 1, 2, 3)
		for _, part := range [][]int{{2}, {0, 3}, {1}} {
			if !h.finish(d, some(d, w, part...)...) {
				h.fail("results %v were dropped", part)
			}
			if first, err := h.b.Finish(h.ctx, d, some(d, w, part...)...); err != nil || first != 0 {
				h.fail("results %v were taken twice: %d, %v", part, first, err)
			}
			for _, e := range part {
				if r := h.next(got); r.Element != e || decode[int](h, r.Outputs[0]) != e {
					h.fail("got the result of element %d, want that of %d", r.Element, e)
				}
			}
		}
		h.nothing(w, lease/5)
		if len(got) > 0 {
			h.fail("a result came twice")
		}
	},
}, {
	name: "direct jobs are submitted twice",
	rule: "a job that is direct is not done again when it is submitted again, be it queued, with a worker or finished",
	why:  "a run submits again when it does not know whether it did",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		for range 2 {
			h.submit(directly(job("r", 1))...)
		}
		d := h.receive(w)
		h.submit(directly(job("r", 1))...)
		h.nothing(w, lease/5)
		h.finish(d, done(d, w, 1))
		h.next(got)
		h.submit(directly(job("r", 1))...)
		h.nothing(w, lease/5)
	},
}, {
	name: "direct runs are apart",
	rule: "a run gets its own results only, be they direct or not",
	why:  "runs of both kinds share queues and workers",
	check: func(h *harness) {
		w := h.join("w")
		one, two, three := h.follow("one"), h.follow("two"), h.follow("three")
		h.submit(directly(job("one", 1))[0], directly(job("two", 2))[0], job("three", 3))
		for range 3 {
			d := h.receive(w)
			h.finish(d, done(d, w, d.Jobs[0].Run))
		}
		for want, got := range map[string]<-chan *broker.Result{"one": one, "two": two, "three": three} {
			if v := decode[string](h, h.next(got).Outputs[0]); v != want || len(got) > 0 {
				h.fail("run %s got a result of %s, and %d more", want, v, len(got))
			}
		}
	},
}, {
	name:     "direct job of a dead worker",
	rule:     "a job that is direct goes to another worker when its own dies, the late result counts if it is the first, and a second one does not",
	why:      "a run outlives its workers also where nothing is kept",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		got := h.follow("r")
		h.submit(directly(job("r", 1))...)
		lost := h.receive(a)
		d := h.receive(b)
		if d.Number != 2 {
			h.fail("the delivery is number %d, want 2", d.Number)
		}
		h.ended(lost, 2*lease, broker.ErrLeaseLost)
		if !h.finish(lost, done(lost, a, "late")) {
			h.fail("the first result was dropped")
		}
		if first, err := h.b.Finish(h.ctx, d, done(d, b, "second")); err != nil || first != 0 {
			h.fail("the second result was taken: %d, %v", first, err)
		}
		if r := h.next(got); decode[string](h, r.Outputs[0]) != "late" {
			h.fail("got %+v, want the first result", r)
		}
		h.nothing(b, 2*lease)
		if len(got) > 0 {
			h.fail("a second result was handed over")
		}
	},
}, {
	name: "direct jobs are handed back",
	rule: "a job that is direct can be handed back, and what is left of a batch that is released is delivered again, without what is done",
	why:  "a batch that turns out slow, and a worker that drains, leave the rest to others",
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		got := h.follow("r")
		h.submitBatch(directly(batch("r", 0, 1, 2)...))
		d := h.receive(a)
		if !h.finish(d, append(some(d, a, 0), broker.HandBackOf(d.Jobs[2], broker.HandedBack))...) {
			h.fail("a result was dropped")
		}
		h.next(got)
		if r := h.next(got); !r.IsHandBack() || r.Element != 2 {
			h.fail("it arrived as %+v", r)
		}
		h.must(h.b.Release(h.ctx, []*broker.Delivery{d}, 0), "Release")
		d = h.receive(b)
		if h.want(d, 1); d.Number != 1 {
			h.fail("the delivery is number %d, want 1: the first was given back", d.Number)
		}
		h.finish(d, some(d, b, 0)...)
		again := directly(batch("r", 2)...)
		again[0].Round = 1
		h.submitBatch(again)
		d = h.receive(b)
		h.finish(d, some(d, b, 0)...)
		for _, e := range []int{1, 2} {
			if r := h.next(got); r.Element != e || r.Failure != nil {
				h.fail("got %+v, want the result of element %d", r, e)
			}
		}
	},
}, {
	name:     "direct jobs are orphaned and given up",
	rule:     "what is left of a batch whose worker dies is handed back as orphaned, and a job that was delivered too often alone is given up with what is known of its story, though they are direct",
	why:      "a job that kills its workers must end as a failed task in every kind of run",
	settings: Settings{Lease: lease, MaxDeliveries: 2},
	check: func(h *harness) {
		a := h.join("a")
		got := h.follow("r")
		h.submitBatch(directly(batch("r", 0, 1, 2)...))
		d := h.receive(a)
		h.finish(d, some(d, a, 0)...)
		h.next(got)
		h.nothing(h.join("b"), 2*lease) // somebody has to ask
		for e := 1; e <= 2; e++ {
			if r := h.next(got); r.Failure == nil || r.Failure.Kind != broker.Orphaned || r.Element != e {
				h.fail("element %d ended as %+v", r.Element, r.Failure)
			}
		}
		if first, err := h.b.Finish(h.ctx, d, some(d, a, 1)...); err != nil || first != 0 {
			h.fail("a result was taken of a job that was handed back: %d, %v", first, err)
		}
		alone := directly(batch("r", 2)...)
		alone[0].Round = 1
		h.submitBatch(alone)
		h.receive(h.join("b1"))
		h.receive(h.join("b2"))
		h.nothing(h.join("b3"), 2*lease)
		r := h.next(got)
		if r.Element != 2 || r.Failure == nil || r.Failure.Kind != broker.Undone || r.Deliveries != 2 || !strings.Contains(r.Failure.Text, "b2") {
			h.fail("it ended as %+v, %+v, want the story of 2 deliveries, the last one to b2", r, r.Failure)
		}
		if d, ok := h.b.(broker.DeadLetterer); ok {
			letters, err := d.Dead(h.ctx)
			h.must(err, "Dead")
			if len(letters) != 1 || letters[0].Job.ID() != alone[0].ID() {
				h.fail("there are %d dead letters, want that of %s", len(letters), alone[0].ID())
			}
		}
	},
}, {
	name:     "direct jobs of an ended run",
	rule:     "the end of a run drops what is queued, ends the contexts of what workers have, and has whoever finishes something then go on at once",
	why:      "a worker must not keep a result for a run that waits for nothing any more",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submit(directly(job("r", 1), job("r", 2), job("r", 3))...)
		one, two := h.receive(w), h.receive(w)
		held := h.end("r", broker.End{Keep: true})
		for _, id := range held {
			if !slices.Contains([]string{one.Jobs[0].ID(), two.Jobs[0].ID()}, id) {
				h.fail("End returned %s as a job that workers have", id)
			}
		}
		h.ended(one, time.Second, broker.ErrEnded)
		if !h.finish(one, done(one, w, 1)) {
			h.fail("what the worker had done nevertheless was dropped")
		}
		if r := h.next(got); r.Task != one.Jobs[0].Task {
			h.fail("got the result of %s", r.Task)
		}
		stopped := broker.ResultOf(two.Jobs[0])
		stopped.Failure = &broker.Failure{Text: "stopped", Kind: broker.Stopped}
		h.end("r", broker.End{})
		began := time.Now()
		if h.finish(two, stopped) || time.Since(began) > 10*lease {
			h.fail("a result was taken after the end, or waited for somebody for %v", time.Since(began))
		}
		h.nothing(w, lease/5)
	},
}}

package brokertest

import (
	"time"

	"github.com/runnelflow/runnel/broker"
)

var runs = []rule{{
	name: "end drops what is queued",
	rule: "jobs of a run that has ended are not delivered, those of other runs are",
	why:  "a cancelled run must not keep the workers busy",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1), job("other", 2))
		h.must(h.b.End(h.ctx, "r", true), "End")
		if d := h.receive(w); d.Job.Run != "other" {
			h.fail("a job of the ended run was delivered")
		}
		h.nothing(w, lease/5)
		h.must(h.b.End(h.ctx, "never known", false), "End of a run that is not known")
	},
}, {
	name: "end reaches workers",
	rule: "the context of a job with a worker ends within a second of its run",
	why:  "a task that may take hours learns that nobody waits for it any more",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submit(job("r", 1), job("other", 2))
		one, two := h.receive(w), h.receive(w)
		if one.Job.Run != "r" {
			one, two = two, one
		}
		h.must(h.b.End(h.ctx, "r", true), "End")
		h.ended(one, time.Second, broker.ErrEnded)
		if h.finish(one, done(one, w, 1)) {
			h.fail("a result was recorded after the end")
		}
		if two.Context.Err() != nil {
			h.fail("a job of another run was stopped")
		}
		if !h.finish(two, done(two, w, 2)) {
			h.fail("a result of another run was dropped")
		}
		if len(got) > 0 {
			h.fail("a result came after the end: %+v", <-got)
		}
	},
}, {
	name: "end with keep",
	rule: "a run that was ended with keep has its results, and goes on with a new Submit of the rest",
	why:  "a run that was stopped is taken up again without doing twice what is done",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1), job("r", 2))
		d := h.receive(w)
		h.finish(d, done(d, w, 1))
		h.must(h.b.End(h.ctx, "r", true), "End")
		got := h.follow("r")
		if len(got) != 1 {
			h.fail("there are %d results after the end, want 1", len(got))
		}
		h.submit(job("r", 1), job("r", 2))
		again := h.receive(w)
		if again.Job.ID() == d.Job.ID() {
			h.fail("a finished job was delivered again")
		}
		h.nothing(w, lease/5)
		if !h.finish(again, done(again, w, 2)) {
			h.fail("the result of the run's continuation was dropped")
		}
	},
}, {
	name: "end without keep",
	rule: "of a run that was ended without keep nothing stays",
	why:  "results are as large as data are, and a run with a random id is never asked for again",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1), job("r", 2))
		d := h.receive(w)
		h.finish(d, done(d, w, 1))
		h.must(h.b.End(h.ctx, "r", false), "End")
		if got := h.follow("r"); len(got) != 0 {
			h.fail("there are %d results after the end, want none", len(got))
		}
		h.submit(job("r", 1))
		if again := h.receive(w); again.Job.ID() != d.Job.ID() {
			h.fail("got %s, want the same job anew", again.Job.ID())
		}
	},
}}

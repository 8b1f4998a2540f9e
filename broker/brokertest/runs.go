package brokertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
		h.end("r", broker.End{Keep: true})
		if d := h.receive(w); d.Jobs[0].Run != "other" {
			h.fail("a job of the ended run was delivered")
		}
		h.nothing(w, lease/5)
		h.end("never known", broker.End{})
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
		if one.Jobs[0].Run != "r" {
			one, two = two, one
		}
		held := h.end("r", broker.End{Keep: true})
		if len(held) > 1 || len(held) == 1 && held[0] != one.Jobs[0].ID() {
			h.fail("End returned %v as the jobs that workers have, want %s, or none if it does not know", held, one.Jobs[0].ID())
		}
		h.ended(one, time.Second, broker.ErrEnded)
		if !h.finish(one, done(one, w, 1)) {
			h.fail("what the worker had done nevertheless was dropped")
		}
		if r := h.next(got); r.Task != one.Jobs[0].Task {
			h.fail("got the result of %s, want that of %s", r.Task, one.Jobs[0].Task)
		}
		if two.Context.Err() != nil {
			h.fail("a job of another run was stopped")
		}
		if !h.finish(two, done(two, w, 2)) {
			h.fail("a result of another run was dropped")
		}
	},
}, {
	name: "results before the end",
	rule: "when End returns, what was recorded before has been handed over",
	why:  "whoever ends a run has to know which of its jobs are done, and which were dropped",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		for n := range 20 {
			h.submit(job("r", n))
			d := h.receive(w)
			h.finish(d, done(d, w, n))
		}
		h.end("r", broker.End{Keep: true})
		if len(got) != 20 {
			h.fail("there are %d results when End returns, want 20", len(got))
		}
	},
}, {
	name: "cause of the end",
	rule: "a task sees why its run has ended",
	why:  "what it does then may depend on it, and what it logs does",
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1))
		d := h.receive(w)
		h.end("r", broker.End{Keep: true, Cause: errors.New("the operator went home")})
		select {
		case <-d.Context.Done():
		case <-h.ctx.Done():
			h.fail("the delivery's context did not end")
		}
		if cause := context.Cause(d.Context); !strings.Contains(cause.Error(), "the operator went home") {
			h.fail("the cause is %v", cause)
		}

		h.submit(job("late", 1))
		d = h.receive(w)
		h.end("late", broker.End{Keep: true, Cause: fmt.Errorf("no time left: %w", context.DeadlineExceeded)})
		select {
		case <-d.Context.Done():
		case <-h.ctx.Done():
			h.fail("the delivery's context did not end")
		}
		if cause := context.Cause(d.Context); !errors.Is(cause, context.DeadlineExceeded) || !strings.Contains(cause.Error(), "no time left") {
			h.fail("the cause is %v, which does not match context.DeadlineExceeded", cause)
		}
	},
}, {
	name: "stopped is not done",
	rule: "the result of a job that was stopped with its run is handed over, and not recorded: the job can be submitted again",
	why:  "the run waits for what its workers do, and when it is taken up again the job is to be done",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submit(job("r", 1))
		d := h.receive(w)
		h.end("r", broker.End{Keep: true})
		h.ended(d, time.Second, broker.ErrEnded)
		r := broker.ResultOf(d.Jobs[0])
		r.Failure = &broker.Failure{Text: "stopped", Kind: broker.Stopped}
		h.finish(d, r)
		if r := h.next(got); r.Task != "task1" || r.Failure == nil || r.Failure.Kind != broker.Stopped {
			h.fail("the result arrived as %+v", r)
		}
		if again := h.follow("r"); len(again) != 0 {
			h.fail("it was recorded: %+v", <-again)
		}
		h.submit(job("r", 1))
		if again := h.receive(w); again.Jobs[0].ID() != d.Jobs[0].ID() || again.Context.Err() != nil {
			h.fail("got %s, want the same job anew", again.Jobs[0].ID())
		}
	},
}, {
	name: "taken up at once",
	rule: "a run that was ended can be taken up again while a worker has not let go of a job of it",
	why:  "whoever ended it need not wait for the worker",
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		h.submit(job("r", 1))
		old := h.receive(a)
		h.end("r", broker.End{Keep: true})
		h.submit(job("r", 1))
		d := h.receive(b)
		if d.Context.Err() != nil {
			h.fail("the new delivery has ended")
		}
		stopped := broker.ResultOf(old.Jobs[0])
		stopped.Failure = &broker.Failure{Text: "stopped", Kind: broker.Stopped}
		h.finish(old, stopped)
		if !h.finish(d, done(d, b, 1)) {
			h.fail("the result was dropped")
		}
	},
}, {
	name:     "worker dies after the end",
	rule:     "a job that End returned has a result though its worker dies: a failure of kind Stopped",
	why:      "the run waits for it, and must not wait for ever",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submit(job("r", 1))
		h.receive(w)
		if held := h.end("r", broker.End{Keep: true}); len(held) == 0 {
			return // it does not know, and nobody waits
		}
		if r := h.next(got); r.Failure == nil || r.Failure.Kind != broker.Stopped {
			h.fail("the result is %+v, want a failure of kind Stopped", r)
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
		h.end("r", broker.End{Keep: true})
		got := h.follow("r")
		if len(got) != 1 {
			h.fail("there are %d results after the end, want 1", len(got))
		}
		h.submit(job("r", 1), job("r", 2))
		again := h.receive(w)
		if again.Jobs[0].ID() == d.Jobs[0].ID() {
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
		late := h.receive(w)
		h.end("r", broker.End{})
		h.ended(late, time.Second, broker.ErrEnded)
		if h.finish(late, done(late, w, 2)) {
			h.fail("a result was recorded after the end")
		}
		if got := h.follow("r"); len(got) != 0 {
			h.fail("there are %d results after the end, want none", len(got))
		}
		h.submit(job("r", 1))
		if again := h.receive(w); again.Jobs[0].ID() != d.Jobs[0].ID() {
			h.fail("got %s, want the same job anew", again.Jobs[0].ID())
		}
	},
}}

package brokertest

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/runnelflow/runnel/broker"
)

var keeping = []keeperRule{{
	name: "opened once",
	rule: "the first to open a run determines what is kept; others get that back, with the values of its inputs, whatever characters names have",
	why:  "whether a run was begun before is known by one call, and what differs can be told",
	check: func(h *keeperHarness) {
		const id = "nightly 2026.11/*>é"
		h.same(h.open(kept(id)), true)
		h.same(h.open(&broker.Run{ID: id, Pipeline: "other", Graph: "other"}), true)
		h.same((<-h.read(id))[0], true)
	},
}, {
	name: "outcome",
	rule: "how a run ended comes back as it was recorded",
	why:  "those who ask for the run later, from elsewhere, know nothing else of its end",
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		runs := h.read("r")
		h.claim("r", "a")
		at := time.Date(2026, 11, 25, 19, 30, 0, 5_000_000, time.UTC)
		sent := broker.Outcome{
			State: "failed", Failure: &broker.Failure{Text: "task b failed", Kind: broker.Panicked, Permanent: true}, Started: at, Ended: at.Add(time.Hour),
			Tasks: []broker.TaskOutcome{{Task: "a", State: "succeeded", Attempts: 7, Elements: 5, Failed: 2}, {Task: "b/[x", State: "failed", Attempts: 1, Text: "ouch"}},
		}
		want := sent
		h.must(h.k.Conclude(h.ctx, "r", "a", &sent), "Conclude")
		for _, got := range []*broker.Run{h.await(runs, "is closed", closed), h.open(kept("r"))} {
			o := *got.Outcome
			if !o.Started.Equal(want.Started) || !o.Ended.Equal(want.Ended) {
				h.fail("it began at %v and ended at %v, want %v and %v", o.Started, o.Ended, want.Started, want.Ended)
			}
			o.Started, o.Ended = want.Started, want.Ended
			if !reflect.DeepEqual(o, want) {
				h.fail("the outcome came back as %+v, want %+v", o, want)
			}
			if got.Owner != "" {
				h.fail("a closed run is that of %q", got.Owner)
			}
		}
	},
}, {
	name: "reopened",
	rule: "a run that is closed can be driven again: as it is given then, not cancelled, with those results that were not to be forgotten",
	why:  "what failed is tried again, or what has changed is done anew, and the rest is not",
	check: func(h *keeperHarness) {
		w := h.join("w")
		h.open(kept("r"))
		h.claim("r", "a")
		for n := range 3 {
			h.submit(job("r", n))
			d := h.receive(w)
			h.finish(d, done(d, w, n))
		}
		h.must(h.k.Cancel(h.ctx, "r", "why"), "Cancel")
		h.end("r", broker.End{Keep: true})
		h.must(h.k.Conclude(h.ctx, "r", "a", &broker.Outcome{State: "failed"}), "Conclude")
		again := kept("r")
		again.Graph, again.Digests = "def", map[string]string{"tracks": "d2"}
		again.Nodes = append(again.Nodes, &broker.Node{Task: "new", Fingerprint: "f3"})
		again.Inputs[0].Value = broker.Go{V: map[string]int{"b": 2}}
		h.must(h.k.Reopen(h.ctx, again, func(r *broker.Result) bool { return r.Task == "task1" }), "Reopen")
		got := h.open(kept("r"))
		if got.Outcome != nil || got.Cancelled != "" || got.Owner != "" {
			h.fail("reopened it is %+v, want it open, free and not cancelled", got)
		}
		if got.Graph != "def" || got.Digests["tracks"] != "d2" || len(got.Nodes) != 3 {
			h.fail("reopened it is %+v, want what was given", got)
		}
		if v := decode[map[string]int](&h.harness, got.Inputs[0].Value); v["b"] != 2 {
			h.fail("its first input is %v, want what was given", v)
		}
		h.claim("r", "b")
		results := h.follow("r")
		if len(results) != 2 {
			h.fail("there are %d results, want the 2 that were not forgotten", len(results))
		}
		h.submit(job("r", 0), job("r", 1), job("r", 2))
		d := h.receive(w)
		if d.Jobs[0].Task != "task1" {
			h.fail("got %s, want task1, whose result was forgotten", d.Jobs[0].Task)
		}
		h.nothing(w, lease/5)
		if !h.finish(d, done(d, w, 11)) {
			h.fail("the new result was dropped")
		}
		for range 2 {
			if r := h.next(results); r.Task == "task1" {
				h.fail("a result that was forgotten was handed over")
			}
		}
		if r := h.next(results); r.Task != "task1" || decode[int](&h.harness, r.Outputs[0]) != 11 {
			h.fail("got %+v, want the new result", r)
		}
	},
}, {
	name: "forgotten from a batch",
	rule: "Reopen forgets some results of a batch and keeps the others; that a job was handed back is not forgotten",
	why:  "what is done is not done again because its neighbour failed; and which round is next is known by what was handed back",
	check: func(h *keeperHarness) {
		w := h.join("w")
		h.open(kept("r"))
		h.claim("r", "a")
		h.submitBatch(batch("r", 0, 1, 2))
		d := h.receive(w)
		results := some(d, w, 0, 1)
		results[1].Outputs, results[1].Failure = nil, &broker.Failure{Text: "no"}
		h.finish(d, append(results, broker.HandBackOf(d.Jobs[2], broker.HandedBack))...)
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim")
		h.must(h.k.Reopen(h.ctx, kept("r"), func(r *broker.Result) bool { return r.Failure != nil }), "Reopen")
		h.claim("r", "b")
		if got := h.follow("r"); len(got) != 2 {
			h.fail("there are %d results, want that of element 0, and that 2 was handed back", len(got))
		}
		again := batch("r", 0, 1, 2)
		again[2].Round = 1
		h.submitBatch(again)
		h.want(h.receive(w), 1, 2)
	},
}, {
	name: "not reopened under its owner",
	rule: "a run that somebody drives cannot be reopened, one that nobody drives can",
	why:  "its owner holds results that would be forgotten",
	check: func(h *keeperHarness) {
		never := func(*broker.Result) bool { return false }
		h.refuse("Reopen of an unknown run", h.k.Reopen(h.ctx, kept("r"), never), broker.ErrUnknownRun)
		h.open(kept("r"))
		h.claim("r", "a")
		h.refuse("Reopen", h.k.Reopen(h.ctx, kept("r"), never), broker.ErrClaimed)
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim")
		h.must(h.k.Reopen(h.ctx, kept("r"), never), "Reopen of what nobody drives")
		h.claim("r", "b")
	},
}, {
	name:     "dropped after its lifetime",
	rule:     "a run that has ended is kept for its lifetime, is told to be dropped, and then nothing of it is there",
	why:      "results are as large as data are, and nobody clears up by hand",
	settings: Settings{Lifetime: lifetime},
	check: func(h *keeperHarness) {
		w := h.join("w")
		h.open(kept("r"))
		h.open(kept("open"))
		runs := h.read("")
		h.claim("r", "a")
		h.submit(job("r", 1))
		d := h.receive(w)
		h.finish(d, done(d, w, 1))
		began := time.Now()
		h.must(h.k.Conclude(h.ctx, "r", "a", &broker.Outcome{State: "succeeded"}), "Conclude")
		dropped := h.await(runs, "is dropped", gone)
		if took := time.Since(began); took < lifetime*9/10 {
			h.fail("it was dropped after %v, want %v", took, lifetime)
		}
		if dropped.ID != "r" || dropped.Pipeline != "" || dropped.Nodes != nil {
			h.fail("it is told as %+v", dropped)
		}
		_, err := h.k.Claim(h.ctx, "r", "a")
		h.refuse("Claim", err, broker.ErrUnknownRun)
		if got := h.follow("r"); len(got) != 0 {
			h.fail("there are %d results, want none", len(got))
		}
		now := <-h.read("")
		if len(now) != 1 || now[0].ID != "open" {
			h.fail("%d runs are kept, want the open one", len(now))
		}
		again := h.open(kept("r"))
		if again.Outcome != nil {
			h.fail("opened again it has the outcome of before")
		}
		h.claim("r", "a")
		h.submit(job("r", 1))
		h.receive(w)
	},
}, {
	name:     "reopened in time",
	rule:     "a run that was reopened is not dropped when the lifetime since its end is over",
	why:      "it goes on, and may take longer",
	settings: Settings{Lifetime: lifetime},
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		h.claim("r", "a")
		h.must(h.k.Conclude(h.ctx, "r", "a", &broker.Outcome{State: "failed"}), "Conclude")
		h.must(h.k.Reopen(h.ctx, kept("r"), func(*broker.Result) bool { return false }), "Reopen")
		runs := h.read("r")
		<-runs
		h.quiet(runs, 2*lifetime)
		h.claim("r", "b")
	},
}, {
	name: "context of a keeper's call",
	rule: "a call returns when its context ends, with the cause",
	why:  "a process that is to end does not wait for the broker",
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(h.ctx)
		failed := make(chan error, 1)
		begun := make(chan struct{}, 1)
		go func() { failed <- h.k.Runs(ctx, "", func([]*broker.Run) { begun <- struct{}{} }) }()
		<-begun
		cancel(cause)
		h.refuse("Runs", <-failed, cause)
		_, err := h.k.Open(ctx, kept("q"))
		h.refuse("Open", err, cause)
		_, err = h.k.Claim(ctx, "r", "a")
		h.refuse("Claim", err, cause)
	},
}}

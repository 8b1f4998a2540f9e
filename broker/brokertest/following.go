package brokertest

import (
	"fmt"

	"github.com/runnelflow/runnel/broker"
)

var following = []keeperRule{{
	name: "runs are told",
	rule: "Runs tells of all runs at once, in the order in which they were opened and without their inputs, and then of each that changes",
	why:  "a coordinator finds what it has to drive, and a tool what there is, without asking again and again",
	check: func(h *keeperHarness) {
		if now := <-h.read(""); len(now) != 0 {
			h.fail("there are %d runs, want none", len(now))
		}
		for n := range 5 {
			h.open(kept(fmt.Sprint("r", 9-n)))
		}
		h.claim("r7", "a")
		runs := h.read("")
		now := <-runs
		if len(now) != 5 {
			h.fail("there are %d runs, want 5", len(now))
		}
		for n, r := range now {
			h.same(r, false)
			if r.ID != fmt.Sprint("r", 9-n) || (r.Owner == "a") != (r.ID == "r7") || r.Outcome != nil {
				h.fail("run %d is told as %+v", n, r)
			}
		}
		h.quiet(runs, lease/5)
		h.open(kept("late"))
		late := h.await(runs, "was opened later", func(r *broker.Run) bool { return r.ID == "late" })
		h.same(late, false)
		h.claim("r5", "b")
		if r := h.await(runs, "is b's", ownedBy("b")); r.ID != "r5" {
			h.fail("run %s is told to be b's, want r5", r.ID)
		}
		h.must(h.k.Unclaim(h.ctx, "r7", "a"), "Unclaim")
		if r := h.await(runs, "is free again", free); r.ID != "r7" {
			h.fail("run %s is told to be free, want r7", r.ID)
		}
		h.must(h.k.Conclude(h.ctx, "r5", "b", &broker.Outcome{State: "succeeded"}), "Conclude")
		if r := h.await(runs, "is closed", closed); r.ID != "r5" || r.Outcome.State != "succeeded" {
			h.fail("it is told as %+v", r)
		}
		h.must(h.k.Reopen(h.ctx, kept("r5"), func(*broker.Result) bool { return false }), "Reopen")
		if r := h.await(runs, "is open again", free); r.ID != "r5" {
			h.fail("run %s is told to be open again, want r5", r.ID)
		}
	},
}, {
	name: "one run is told",
	rule: "Runs of an ID tells of that run only, with its inputs, and of none while it is not kept",
	why:  "who waits for a run is not to hear of all others, and who takes one over needs its inputs",
	check: func(h *keeperHarness) {
		runs := h.read("r")
		if now := <-runs; len(now) != 0 {
			h.fail("%d runs are told, want none", len(now))
		}
		h.open(kept("other"))
		h.claim("other", "b")
		h.open(kept("r"))
		h.same(h.await(runs, "was opened", func(*broker.Run) bool { return true }), true)
		h.claim("r", "a")
		got := h.await(runs, "is claimed", func(r *broker.Run) bool { return r.Owner != "" })
		if got.ID != "r" || got.Owner != "a" {
			h.fail("it is told as %+v", got)
		}
		h.same(got, true)
	},
}}

package brokertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

var claims = []keeperRule{{
	name: "one of many claims a run",
	rule: "of several who claim a run at once one succeeds, and the others are told that it is claimed",
	why:  "two processes that drive one run would do its bookkeeping twice, and end it under each other",
	check: func(h *keeperHarness) {
		for n := range 10 {
			id := fmt.Sprint("r", n)
			h.open(kept(id))
			errs := make([]error, 8)
			var all sync.WaitGroup
			for k := range errs {
				all.Go(func() { _, errs[k] = h.k.Claim(h.ctx, id, fmt.Sprint("owner", k)) })
			}
			all.Wait()
			winners := 0
			for k, err := range errs {
				if err == nil {
					winners++
					if got := h.open(kept(id)).Owner; got != fmt.Sprint("owner", k) {
						h.fail("owner%d claimed the run, and it is kept as that of %q", k, got)
					}
				} else if !errors.Is(err, broker.ErrClaimed) {
					h.fail("a claim failed with %v, want ErrClaimed", err)
				}
			}
			if winners != 1 {
				h.fail("%d of %d claims succeeded", winners, len(errs))
			}
		}
	},
}, {
	name: "opened with an owner",
	rule: "a run that is opened, or reopened, with an owner is claimed by it: nobody else can",
	why:  "who opens a run and waits for it wants to drive it, and a coordinator must not be faster",
	check: func(h *keeperHarness) {
		r := kept("r")
		r.Owner = "a"
		if got := h.open(r); got.Owner != "a" {
			h.fail("the run is kept as that of %q, want a", got.Owner)
		}
		_, err := h.k.Claim(h.ctx, "r", "b")
		h.refuse("Claim by another", err, broker.ErrClaimed)
		h.claim("r", "a")
		other := kept("r")
		other.Owner = "b"
		if got := h.open(other); got.Owner != "a" {
			h.fail("opened by another it is that of %q, want a still", got.Owner)
		}
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim")
		h.must(h.k.Reopen(h.ctx, other, func(*broker.Result) bool { return false }), "Reopen")
		_, err = h.k.Claim(h.ctx, "r", "a")
		h.refuse("Claim of what another has reopened", err, broker.ErrClaimed)
		h.claim("r", "b")
	},
}, {
	name:     "a claim runs out",
	rule:     "a run that was not claimed anew for the time of a lease is told to be free and can be claimed by another; not before",
	why:      "the run of a process that died is taken over, soon and without asking; that of one that lives is not",
	settings: Settings{Lease: lease},
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		runs := h.read("r")
		began := time.Now()
		each, err := h.k.Claim(h.ctx, "r", "a")
		h.must(err, "Claim")
		if each != lease {
			h.fail("the lease is %v, want %v", each, lease)
		}
		h.await(runs, "is a's", ownedBy("a"))
		_, err = h.k.Claim(h.ctx, "r", "b")
		h.refuse("Claim by another", err, broker.ErrClaimed)
		h.await(runs, "is free again", free)
		if took := time.Since(began); took < lease {
			h.fail("it was free after %v, before the lease of %v was over", took, lease)
		}
		h.claim("r", "b")
		h.await(runs, "is b's", ownedBy("b"))
		_, err = h.k.Claim(h.ctx, "r", "a")
		h.refuse("Claim by who had it before", err, broker.ErrClaimed)
	},
}, {
	name:     "claimed anew",
	rule:     "a claim that is made anew every third of the lease lasts, and that is no change that Runs tells",
	why:      "a run may take days, and those who list runs are not to hear of each heartbeat",
	settings: Settings{Lease: 2 * lease},
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		runs := h.read("")
		h.claim("r", "a")
		h.await(runs, "is a's", ownedBy("a"))
		for began := time.Now(); time.Since(began) < 5*lease; {
			h.quiet(runs, 2*lease/3)
			h.claim("r", "a")
			_, err := h.k.Claim(h.ctx, "r", "b")
			h.refuse("Claim by another", err, broker.ErrClaimed)
		}
	},
}, {
	name:     "given up",
	rule:     "a run whose claims have run out MaxDeliveries times, one after another, with nothing recorded in between, is closed by the next claim, as failed, with the story of its owners, and its jobs are ended; opened again it can be driven again",
	why:      "it may be what ends the processes that drive it, and it would end all there ever are",
	settings: Settings{Lease: lease, MaxDeliveries: 2},
	check: func(h *keeperHarness) {
		w := h.join("w")
		h.open(kept("r"))
		runs := h.read("r")
		h.claim("r", "a")
		h.await(runs, "is a's", ownedBy("a"))
		h.submit(job("r", 1))
		d := h.receive(w)
		h.finish(d, done(d, w, 1)) // which makes the claim of a one that does not count
		h.submit(job("r", 2))
		for _, owner := range []string{"b", "c"} {
			h.await(runs, "is free again", free)
			h.claim("r", owner)
			h.await(runs, "is "+owner+"'s", ownedBy(owner))
		}
		h.await(runs, "is free again", free)
		_, err := h.k.Claim(h.ctx, "r", "d")
		h.refuse("Claim", err, broker.ErrClosed)
		end := h.await(runs, "is closed", closed)
		o := end.Outcome
		if o.State != "failed" || !o.IsGivenUp() || !o.Failure.Permanent {
			h.fail("it has ended as %+v, %+v", o, o.Failure)
		}
		if text := o.Failure.Text; !strings.Contains(text, " b until") || !strings.Contains(text, " c until") || strings.Contains(text, " a until") || strings.Contains(text, " d until") {
			h.fail("its story is %q, want that of b and c", text)
		}
		if end.Owner != "" {
			h.fail("a closed run is that of %q", end.Owner)
		}
		h.nothing(w, lease/5)
		h.must(h.k.Reopen(h.ctx, kept("r"), func(*broker.Result) bool { return false }), "Reopen")
		h.claim("r", "e")
		h.await(runs, "is e's", ownedBy("e"))
		h.await(runs, "is free again", free)
		h.claim("r", "f")
		if got := h.follow("r"); len(got) != 1 {
			h.fail("there are %d results, want that of before", len(got))
		}
		h.submit(job("r", 2))
		h.receive(w)
	},
}, {
	name:     "handed on often",
	rule:     "a claim that is ended before its time, or that its owner makes anew after it, counts for nothing in that",
	why:      "coordinators may be replaced as often as one likes, and one that was stopped for a while is not dead",
	settings: Settings{Lease: lease, MaxDeliveries: 1},
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		runs := h.read("r")
		for n := range 5 {
			owner := fmt.Sprint("owner", n)
			h.claim("r", owner)
			h.must(h.k.Unclaim(h.ctx, "r", owner), "Unclaim")
		}
		for range 2 {
			h.claim("r", "a")
			h.await(runs, "is a's", ownedBy("a"))
			h.await(runs, "is free again", free)
		}
		h.claim("r", "a")
		h.must(h.k.Conclude(h.ctx, "r", "a", &broker.Outcome{State: "succeeded"}), "Conclude")
	},
}, {
	name: "let go",
	rule: "a run whose claim was ended can be claimed at once; ending the claim of another does nothing",
	why:  "a coordinator that is stopped hands its runs over without a pause",
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		runs := h.read("r")
		h.claim("r", "a")
		h.must(h.k.Unclaim(h.ctx, "r", "b"), "Unclaim by another")
		_, err := h.k.Claim(h.ctx, "r", "b")
		h.refuse("Claim by another", err, broker.ErrClaimed)
		h.await(runs, "is a's", ownedBy("a"))
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim")
		h.await(runs, "is free again", free)
		h.claim("r", "b")
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim by who had it before")
		_, err = h.k.Claim(h.ctx, "r", "c")
		h.refuse("Claim by a third", err, broker.ErrClaimed)
		h.must(h.k.Unclaim(h.ctx, "unknown", "a"), "Unclaim of an unknown run")
	},
}, {
	name: "nothing to claim",
	rule: "a run that is closed, or not kept, cannot be claimed, cancelled or concluded, and the error says which it is",
	why:  "what to do is different: take its result, or begin it",
	check: func(h *keeperHarness) {
		outcome := &broker.Outcome{State: "succeeded"}
		try := func(id string, want error) {
			h.Helper()
			_, err := h.k.Claim(h.ctx, id, "a")
			h.refuse("Claim", err, want)
			h.refuse("Cancel", h.k.Cancel(h.ctx, id, "why"), want)
			h.refuse("Conclude", h.k.Conclude(h.ctx, id, "a", outcome), want)
		}
		try("unknown", broker.ErrUnknownRun)
		h.open(kept("r"))
		h.claim("r", "a")
		h.must(h.k.Conclude(h.ctx, "r", "a", outcome), "Conclude")
		try("r", broker.ErrClosed)
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim of a closed run")
	},
}, {
	name:     "concluded by its owner only",
	rule:     "a run is concluded by who drives it: not by another, not by nobody, and not after the claim has run out",
	why:      "a process that was stopped for a while does not know that another one drives its run now",
	settings: Settings{Lease: lease},
	check: func(h *keeperHarness) {
		outcome := &broker.Outcome{State: "succeeded"}
		h.open(kept("r"))
		runs := h.read("r")
		h.refuse("Conclude of what nobody drives", h.k.Conclude(h.ctx, "r", "a", outcome), broker.ErrClaimed)
		h.claim("r", "a")
		h.await(runs, "is a's", ownedBy("a"))
		h.refuse("Conclude by another", h.k.Conclude(h.ctx, "r", "b", outcome), broker.ErrClaimed)
		h.await(runs, "is free again", free)
		h.refuse("Conclude after the lease", h.k.Conclude(h.ctx, "r", "a", outcome), broker.ErrClaimed)
		h.claim("r", "b")
		h.refuse("Conclude by who had it before", h.k.Conclude(h.ctx, "r", "a", outcome), broker.ErrClaimed)
		h.must(h.k.Conclude(h.ctx, "r", "b", outcome), "Conclude")
	},
}, {
	name: "cancelled",
	rule: "who drives a run is told that it is to end, and why, whether that was asked for before or after it claimed it",
	why:  "whoever looks at runs may cancel one, wherever it is driven",
	check: func(h *keeperHarness) {
		h.open(kept("r"))
		runs := h.read("r")
		h.claim("r", "a")
		h.must(h.k.Cancel(h.ctx, "r", "no longer needed"), "Cancel")
		got := h.await(runs, "is cancelled", func(r *broker.Run) bool { return r.Cancelled != "" })
		if got.Cancelled != "no longer needed" || got.Owner != "a" || got.Outcome != nil {
			h.fail("it is told as %+v", got)
		}
		h.must(h.k.Unclaim(h.ctx, "r", "a"), "Unclaim")
		h.claim("r", "b")
		late := h.await(h.read("r"), "is b's", ownedBy("b"))
		if late.Cancelled != "no longer needed" {
			h.fail("the next owner is told that it is cancelled as %q", late.Cancelled)
		}
	},
}}

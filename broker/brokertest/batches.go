package brokertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// batch are elements of one task, with a small input each and one that all share.
func batch(run string, elements ...int) broker.Batch {
	var all broker.Batch
	for _, e := range elements {
		j := job(run, 1)
		j.Element, j.Index, j.Key = e, []int{e}, fmt.Sprintf("%s/task1[%d]", run, e)
		j.Inputs = []broker.Input{
			{Name: "n[i]", Value: broker.Go{V: e}},
			{Name: "all", Whole: true, Value: broker.Go{V: []int{7, 8, 9}}, Holes: map[int]*broker.Failure{1: {Text: "lost"}}},
		}
		all = append(all, j)
	}
	return all
}

func (h *harness) submitBatch(b broker.Batch) {
	h.Helper()
	h.must(h.b.Submit(h.ctx, []broker.Batch{b}), "Submit")
}

// elements are those of the jobs of a delivery.
func elements(d *broker.Delivery) []int {
	var all []int
	for _, j := range d.Jobs {
		all = append(all, j.Element)
	}
	return all
}

// want ends the case if a delivery has other elements.
func (h *harness) want(d *broker.Delivery, want ...int) {
	h.Helper()
	if got := elements(d); !slices.Equal(got, want) {
		h.fail("the delivery has elements %v, want %v", got, want)
	}
}

// results are those of some jobs of a delivery.
func some(d *broker.Delivery, w *broker.Worker, at ...int) []*broker.Result {
	var all []*broker.Result
	for _, k := range at {
		all = append(all, doneOf(d, d.Jobs[k], w, d.Jobs[k].Element))
	}
	return all
}

var batches = []rule{{
	name: "batch arrives whole",
	rule: "the jobs of a batch arrive with one worker, in their order, each with everything that was submitted",
	why:  "many short elements in one message cost little more than one",
	check: func(h *harness) {
		w := h.join("w")
		sent := batch("r", 4, 2, 9)
		sent[1].Attempt, sent[2].Round = 2, 3
		sent[2].Cause = &broker.Failure{Text: "why", Permanent: true}
		sent[2].Inputs[0].Value = nil
		h.submitBatch(sent)
		d := h.receive(w)
		h.want(d, 4, 2, 9)
		for k, j := range d.Jobs {
			want := batch("r", j.Element)[0]
			if j.Run != "r" || j.Pipeline != "p" || j.Task != "task1" || j.Queue != "default" || j.Fingerprint != "f" || j.Key != want.Key || !slices.Equal(j.Index, want.Index) {
				h.fail("job %d arrived as %+v", k, j)
			}
			if len(j.Inputs) != 2 || j.Inputs[0].Name != "n[i]" || j.Inputs[1].Name != "all" || !j.Inputs[1].Whole {
				h.fail("job %d has inputs %+v", k, j.Inputs)
			}
			if k < 2 && decode[int](h, j.Inputs[0].Value) != j.Element {
				h.fail("job %d has the input of another", k)
			}
			if all := decode[[]int](h, j.Inputs[1].Value); !slices.Equal(all, []int{7, 8, 9}) || j.Inputs[1].Holes[1] == nil || j.Inputs[1].Holes[1].Text != "lost" {
				h.fail("job %d has %v with holes %v as the input that all share", k, all, j.Inputs[1].Holes)
			}
		}
		if j := d.Jobs[2]; d.Jobs[1].Attempt != 2 || j.Round != 3 || j.Attempt != 1 || j.Inputs[0].Value != nil || j.Cause == nil || j.Cause.Text != "why" || !j.Cause.Permanent || d.Jobs[0].Cause != nil {
			h.fail("what differs between the jobs arrived as %+v, %+v", d.Jobs[1], j)
		}
		if d.Number != 1 {
			h.fail("the delivery is number %d, want 1", d.Number)
		}
	},
}, {
	name: "batch finished in parts",
	rule: "the results of a batch can be recorded in several calls, and each has one result, in the order of the calls",
	why:  "what is done need not wait for an element that takes long",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submitBatch(batch("r", 0, 1, 2, 3))
		d := h.receive(w)
		for _, part := range [][]int{{1}, {0, 3}, {2}} {
			if !h.finish(d, some(d, w, part...)...) {
				h.fail("results %v were dropped", part)
			}
			if h.finish(d, some(d, w, part...)...) {
				h.fail("results %v were recorded twice", part)
			}
			for _, e := range part {
				if r := h.next(got); r.Element != e || decode[int](h, r.Outputs[0]) != e {
					h.fail("got the result of element %d, want that of %d", r.Element, e)
				}
			}
		}
		h.nothing(w, lease/5)
	},
}, {
	name:     "batch is kept",
	rule:     "a worker that extends keeps what is left of a batch",
	why:      "one slow element is no reason to do it twice",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		h.submitBatch(batch("r", 0, 1))
		d := h.receive(a)
		stop := h.keep(a, d)
		defer stop()
		h.finish(d, some(d, a, 0)...)
		h.nothing(b, 3*lease)
		if d.Context.Err() != nil || !h.finish(d, some(d, a, 1)...) {
			h.fail("the rest of the batch was lost")
		}
	},
}, {
	name: "handed back",
	rule: "a job that was handed back has that for its result, is not done by whoever gets the batch, and is submitted again with the next round",
	why:  "the worker of a slow batch leaves what it has not begun to others: it must be neither lost nor done twice",
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		got := h.follow("r")
		h.submitBatch(batch("r", 0, 1, 2))
		d := h.receive(a)
		back := broker.HandBackOf(d.Jobs[2], broker.HandedBack)
		back.Took = time.Second
		if !h.finish(d, append(some(d, a, 0), back)...) {
			h.fail("a result was dropped")
		}
		h.next(got)
		if r := h.next(got); !r.IsHandBack() || r.Failure.Kind != broker.HandedBack || r.Element != 2 || r.Round != 0 || r.Took != time.Second {
			h.fail("it arrived as %+v", r)
		}
		j := batch("r", 2)
		j[0].Round = 1
		h.submitBatch(j)
		next := h.receive(b)
		h.want(next, 2)
		if next.Jobs[0].Round != 1 {
			h.fail("its round is %d, want 1", next.Jobs[0].Round)
		}
		h.must(h.b.Release(h.ctx, []*broker.Delivery{d}, 0), "Release")
		h.want(h.receive(b), 1)
		h.finish(next, some(next, b, 0)...)
		if r := h.next(got); r.Element != 2 || r.Round != 1 || r.Failure != nil {
			h.fail("got %+v, want the result of element 2 in round 1", r)
		}
		if again := h.follow("r"); len(again) != 3 {
			h.fail("there are %d results, want those of elements 0 and 2, and that one was handed back", len(again))
		}
	},
}, {
	name:     "released batch",
	rule:     "a batch that is given back is delivered again, those of its jobs that have no result, and the delivery does not count",
	why:      "a worker that drains gives back what it has not begun: nobody failed",
	settings: Settings{MaxDeliveries: 1},
	check: func(h *harness) {
		w := h.join("w")
		h.submitBatch(batch("r", 0, 1, 2, 3))
		d := h.receive(w)
		h.must(h.b.Release(h.ctx, []*broker.Delivery{d}, 0), "Release")
		d = h.receive(w)
		h.want(d, 0, 1, 2, 3)
		h.finish(d, some(d, w, 1)...)
		h.must(h.b.Release(h.ctx, []*broker.Delivery{d}, 0), "Release")
		d = h.receive(w)
		h.want(d, 0, 2, 3)
		if d.Number != 1 {
			h.fail("the delivery is number %d, want 1", d.Number)
		}
		if !h.finish(d, some(d, w, 0, 1, 2)...) {
			h.fail("results were dropped")
		}
	},
}, {
	name:     "orphaned",
	rule:     "what is left of a batch whose worker dies is handed back by the broker, as orphaned, and never delivered in company again",
	why:      "one of its jobs may have killed the worker: alone, it fails alone, after as many deliveries as any job",
	settings: Settings{Lease: lease, MaxDeliveries: 2},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		got := h.follow("r")
		h.submitBatch(batch("r", 0, 1, 2))
		d := h.receive(a)
		h.finish(d, some(d, a, 0)...)
		h.next(got)
		h.nothing(b, 2*lease) // somebody has to ask
		for e := 1; e <= 2; e++ {
			r := h.next(got)
			if r.Failure == nil || r.Failure.Kind != broker.Orphaned || r.Element != e {
				h.fail("element %d ended as %+v, %+v", r.Element, r, r.Failure)
			}
		}
		h.ended(d, lease, broker.ErrLeaseLost)
		if h.finish(d, some(d, a, 1)...) {
			h.fail("a result was recorded of a job that was handed back")
		}
		// Alone, the innocent one is done, and the other one is given up.
		for e := 1; e <= 2; e++ {
			j := batch("r", e)
			j[0].Round = 1
			h.submitBatch(j)
		}
		for _, w := range []string{"b1", "b2"} {
			for range 2 {
				d, err := h.b.Receive(h.ctx, h.join(w), 1)
				h.must(err, "Receive")
				if d[0].Jobs[0].Element == 1 {
					h.finish(d[0], some(d[0], b, 0)...)
				} else {
					break
				}
			}
		}
		h.nothing(h.join("b3"), 2*lease)
		for range 2 {
			switch r := h.next(got); {
			case r.Element == 1 && r.Failure == nil:
			case r.Element == 2 && r.Failure != nil && r.Failure.Kind == broker.Undone:
				if !strings.Contains(r.Failure.Text, "b1") || !strings.Contains(r.Failure.Text, "b2") {
					h.fail("the story is %q, want workers b1 and b2 in it", r.Failure.Text)
				}
			default:
				h.fail("element %d ended as %+v", r.Element, r.Failure)
			}
		}
	},
}, {
	name: "batch of an ended run",
	rule: "End returns every job of a batch that has no result, and each of them can still be finished or stopped",
	why:  "the run waits for what its workers do",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submitBatch(batch("r", 0, 1, 2))
		d := h.receive(w)
		h.finish(d, some(d, w, 0)...)
		held := h.end("r", broker.End{Keep: true})
		want := []string{d.Jobs[1].ID(), d.Jobs[2].ID()}
		if slices.Sort(held); len(held) > 0 && !slices.Equal(held, want) {
			h.fail("End returned %v, want %v", held, want)
		}
		h.ended(d, time.Second, broker.ErrEnded)
		stopped := broker.ResultOf(d.Jobs[2])
		stopped.Failure = &broker.Failure{Text: "stopped", Kind: broker.Stopped}
		h.finish(d, append(some(d, w, 1), stopped)...)
		for _, e := range []int{0, 1, 2} {
			if r := h.next(got); r.Element != e || (r.Failure != nil) != (e == 2) {
				h.fail("got element %d with failure %+v, want element %d", r.Element, r.Failure, e)
			}
		}
		if again := h.follow("r"); len(again) != 2 {
			h.fail("there are %d results, want 2: a stopped job has none", len(again))
		}
		h.submitBatch(batch("r", 0, 1, 2))
		h.want(h.receive(w), 2)
	},
}, {
	name: "batch submitted twice",
	rule: "a batch that is submitted again is not queued again",
	why:  "a run submits again when it does not know whether it did",
	check: func(h *harness) {
		w := h.join("w")
		h.submitBatch(batch("r", 0, 1))
		h.submitBatch(batch("r", 0, 1))
		d := h.receive(w)
		h.submitBatch(batch("r", 0, 1))
		h.nothing(w, lease/5)
		h.finish(d, some(d, w, 0, 1)...)
		h.submitBatch(batch("r", 0, 1))
		h.nothing(w, lease/5)
	},
}, {
	name: "large batch",
	rule: "a batch arrives whatever its size, perhaps in parts, and so do its results",
	why:  "the run does not know how large values are when they travel",
	check: func(h *harness) {
		const count, size = 40, 60_000
		w := h.join("w")
		got := h.follow("r")
		sent := batch("r")
		for e := range count {
			j := batch("r", e)
			j[0].Inputs[0].Value = broker.Go{V: strings.Repeat(string(rune('a'+e%26)), size)}
			sent = append(sent, j...)
		}
		h.submitBatch(sent)
		for there := 0; there < count; {
			d := h.receive(w)
			var results []*broker.Result
			for _, j := range d.Jobs {
				results = append(results, doneOf(d, j, w, decode[string](h, j.Inputs[0].Value)))
			}
			if !h.finish(d, results...) {
				h.fail("results were dropped")
			}
			there += len(d.Jobs)
		}
		for range count {
			r := h.next(got)
			if s := decode[string](h, r.Outputs[0]); len(s) != size || s[0] != byte('a'+r.Element%26) {
				h.fail("element %d has an output of %d bytes that begins with %q", r.Element, len(s), s[0])
			}
		}
	},
}}

package brokertest

import (
	"bytes"
	"time"

	"github.com/runnelflow/runnel/broker"
)

var results = []rule{{
	name: "result arrives whole",
	rule: "a result arrives with everything that the worker said",
	why:  "the run decides on retries by it, and tells its user",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submit(job("r", 1), job("r", 2), job("r", 3))
		one, two, three := h.receive(w), h.receive(w), h.receive(w)

		r := done(one, w, []float64{1, 2})
		r.Outputs = append(r.Outputs, broker.Go{V: "second"})
		r.Took = 42 * time.Millisecond
		h.finish(one, r)
		r = h.next(got)
		if r.Run != "r" || r.Task != "task1" || r.Element != broker.Whole || r.Attempt != 1 || r.Fallback || r.Worker != "w" || r.Deliveries != 1 || r.Took != 42*time.Millisecond || r.Failure != nil || r.Skipped != "" {
			h.fail("the result arrived as %+v", r)
		}
		if v := decode[[]float64](h, r.Outputs[0]); len(v) != 2 || v[1] != 2 {
			h.fail("the first output is %v, want [1 2]", v)
		}
		if v := decode[string](h, r.Outputs[1]); v != "second" {
			h.fail("the second output is %q, want second", v)
		}

		r = broker.ResultOf(two.Job)
		r.Failure = &broker.Failure{Text: "boom", Kind: broker.Panicked, Permanent: true, Stack: []byte("stack")}
		h.finish(two, r)
		f := h.next(got).Failure
		if f == nil || f.Text != "boom" || f.Kind != broker.Panicked || !f.Permanent || !bytes.Equal(f.Stack, []byte("stack")) {
			h.fail("the failure arrived as %+v", f)
		}

		r = broker.ResultOf(three.Job)
		r.Skipped = "its condition does not hold"
		h.finish(three, r)
		if r = h.next(got); r.Skipped != "its condition does not hold" || r.Failure != nil || len(r.Outputs) != 0 {
			h.fail("the skipped one arrived as %+v", r)
		}
	},
}, {
	name: "replay, then follow",
	rule: "Results begins with all results there are, in one call and in order, and goes on with those that come",
	why:  "a run that is taken up after a crash must know what is done before it submits anything",
	check: func(h *harness) {
		w := h.join("w")
		finish := func(n int) {
			h.submit(job("r", n))
			d := h.receive(w)
			h.finish(d, done(d, w, n))
		}
		finish(1)
		finish(2)
		finish(3)
		one := h.follow("r")
		if len(one) != 3 {
			h.fail("the first call had %d results, want 3", len(one))
		}
		finish(4)
		two := h.follow("r")
		for _, got := range []<-chan *broker.Result{one, two} {
			for n := 1; n <= 4; n++ {
				if v := decode[int](h, h.next(got).Outputs[0]); v != n {
					h.fail("got result %d, want %d", v, n)
				}
			}
		}
	},
}, {
	name: "runs are apart",
	rule: "a run gets its own results only",
	why:  "runs share queues and workers",
	check: func(h *harness) {
		w := h.join("w")
		one, two := h.follow("one"), h.follow("two")
		h.submit(job("one", 1), job("two", 2))
		for range 2 {
			d := h.receive(w)
			h.finish(d, done(d, w, d.Job.Run))
		}
		for want, got := range map[string]<-chan *broker.Result{"one": one, "two": two} {
			if v := decode[string](h, h.next(got).Outputs[0]); v != want {
				h.fail("run %s got a result of %s", want, v)
			}
		}
		if len(one) > 0 || len(two) > 0 {
			h.fail("a run got more than its result")
		}
	},
}, {
	name: "holes",
	rule: "an input with holes arrives with the failures of what is missing",
	why:  "a task that takes what there is of a mapped output is told why the rest is not there",
	check: func(h *harness) {
		w := h.join("w")
		j := job("r", 1)
		j.Inputs[0] = broker.Input{Name: "all", Whole: true, Value: broker.Go{V: []int{1, 0, 3}},
			Holes: map[int]*broker.Failure{1: {Text: "lost", Permanent: true}}}
		h.submit(j)
		in := h.receive(w).Job.Inputs[0]
		if v := decode[[]int](h, in.Value); len(v) != 3 || v[2] != 3 {
			h.fail("the value is %v", v)
		}
		if f := in.Holes[1]; len(in.Holes) != 1 || f == nil || f.Text != "lost" || !f.Permanent {
			h.fail("the holes are %+v", in.Holes)
		}
	},
}}

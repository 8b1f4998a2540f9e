package brokertest

import (
	"bytes"
	"slices"
	"strings"
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

		r = broker.ResultOf(two.Jobs[0])
		r.Failure = &broker.Failure{Text: "boom", Kind: broker.Panicked, Permanent: true, Stack: []byte("stack")}
		h.finish(two, r)
		f := h.next(got).Failure
		if f == nil || f.Text != "boom" || f.Kind != broker.Panicked || !f.Permanent || !bytes.Equal(f.Stack, []byte("stack")) {
			h.fail("the failure arrived as %+v", f)
		}

		r = broker.ResultOf(three.Jobs[0])
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
	name: "results that are wanted once",
	rule: "the result of a job that is wanted once is handed to who follows the run, or to the first who does; a second one counts for nothing",
	why:  "a run that is never taken up again need not have all its values kept twice, here and at the broker",
	check: func(h *harness) {
		w := h.join("w")
		submit := func(n int) {
			j := job("r", n)
			j.Once = true
			h.submit(j)
		}
		submit(1)
		d := h.receive(w)
		h.finish(d, done(d, w, 1))
		got := h.follow("r")
		if v := decode[int](h, h.next(got).Outputs[0]); v != 1 {
			h.fail("got result %d, want that of the job that was finished before anybody followed", v)
		}
		submit(2)
		d = h.receive(w)
		h.finish(d, done(d, w, 2))
		if v := decode[int](h, h.next(got).Outputs[0]); v != 2 {
			h.fail("got result %d, want 2", v)
		}
		if h.finish(d, done(d, w, 3)) {
			h.fail("a second result was taken for the first")
		}
	},
}, {
	name: "values go on",
	rule: "a value of a result can be in jobs of its run, by itself, in a list and in lists of lists, and be decoded by the run as well, until the run ends",
	why:  "what one worker has made and another takes need not be read by the run",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		made := make([]broker.Value, 4)
		large := strings.Repeat("large ", 100_000)
		for n, text := range []string{"", "small", large, large + "!"} {
			h.submit(job("r", n))
			d := h.receive(w)
			h.finish(d, done(d, w, text))
			made[n] = h.next(got).Outputs[0]
		}
		j := job("r", 10)
		j.Inputs = []broker.Input{
			{Name: "one", Value: made[2]},
			{Name: "small", Value: broker.List{made[0], made[1], broker.Go{V: "here"}}},
			{Name: "all", Value: broker.List{made[1], made[2], nil, broker.Go{V: "here"}, made[3]}, Whole: true},
			{Name: "rows", Value: broker.List{broker.List{made[1], made[0]}, nil, broker.List{}, broker.List{made[3]}}},
			{Name: "none", Value: broker.List{}},
		}
		h.submit(j)
		in := h.receive(w).Jobs[0].Inputs
		if v := decode[string](h, in[0].Value); v != large {
			h.fail("a large value arrived with %d bytes", len(v))
		}
		if v := decode[[]string](h, in[1].Value); !slices.Equal(v, []string{"", "small", "here"}) {
			h.fail("the list arrived as %q", v)
		}
		if v := decode[[]string](h, in[2].Value); !slices.Equal(v, []string{"small", large, "", "here", large + "!"}) {
			h.fail("the list of all arrived with %d elements", len(v))
		}
		if v := decode[[][]string](h, in[3].Value); len(v) != 4 || !slices.Equal(v[0], []string{"small", ""}) || v[1] != nil || len(v[2]) != 0 || !slices.Equal(v[3], []string{large + "!"}) {
			h.fail("the rows arrived as %d", len(v))
		}
		if v := decode[[]string](h, in[4].Value); v == nil || len(v) != 0 {
			h.fail("the empty list arrived as %v", v)
		}
		if v := decode[string](h, made[3]); v != large+"!" {
			h.fail("the run read %d bytes", len(v))
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
			h.finish(d, done(d, w, d.Jobs[0].Run))
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
		in := h.receive(w).Jobs[0].Inputs[0]
		if v := decode[[]int](h, in.Value); len(v) != 3 || v[2] != 3 {
			h.fail("the value is %v", v)
		}
		if f := in.Holes[1]; len(in.Holes) != 1 || f == nil || f.Text != "lost" || !f.Permanent {
			h.fail("the holes are %+v", in.Holes)
		}
	},
}}

package runnel

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/runnelflow/runnel/broker"
	"pgregory.net/rapid"
)

// buildMaps makes the pipeline, registered in a random order, and the caller's
// inputs.
func buildMaps(t *rapid.T, data []*cube, tasks []*mapModel) (*Pipeline, Values) {
	var declared []AnyTask
	taken := map[string]bool{}
	for _, m := range tasks {
		declared = append(declared, m.declare())
		for _, in := range m.inputs {
			taken[in.from.name] = true
		}
	}
	p, err := FromTasks(rapid.Permutation(declared).Draw(t, "order")...)
	if err != nil {
		t.Fatal(err)
	}
	values := Values{}
	for _, c := range data {
		if !c.plain || !taken[c.name] {
			continue
		}
		values[c.name] = c.whole()
	}
	return p, values
}

// whole is the data as nested slices.
func (c *cube) whole() any {
	var flat []uint32
	for _, x := range c.cells {
		flat = append(flat, x.value)
	}
	return shaped(flat, c.dims)
}

func (c *cube) has(s State) bool {
	return slices.ContainsFunc(c.cells, func(x cell) bool { return x.state == s })
}

// TestRandomMapsAreNestedLoops: pipelines of mapped tasks with any shapes, sizes
// and order of axes give the same values as nested loops, at every limit.
func TestRandomMapsAreNestedLoops(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data, tasks := drawMaps(rt, false)
		p, in := buildMaps(rt, data, tasks)
		for _, limit := range []int{0, 1, 2, 3} {
			res, err := p.Run(context.Background(), in, MaxParallel(limit))
			if err != nil {
				rt.Fatalf("limit %d: %v", limit, err)
			}
			for _, m := range tasks {
				if got, want := res.Outputs()[m.out.name], m.out.whole(); !reflect.DeepEqual(got, want) {
					rt.Fatalf("limit %d: %s is %v, want %v", limit, m.out.name, got, want)
				}
			}
		}
	})
}

// TestRandomMapsOfWorkersAreNestedLoops: the same where the run does not see what its
// workers make before it reads it, for outputs that are wanted and all others let go.
func TestRandomMapsOfWorkersAreNestedLoops(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data, tasks := drawMaps(rt, false)
		p, in := buildMaps(rt, data, tasks)
		wanted := map[string]bool{}
		var opts []RunOption
		if rapid.Bool().Draw(rt, "targets") {
			for _, m := range rapid.SliceOfN(rapid.SampledFrom(tasks), 1, 2).Draw(rt, "wanted") {
				if !wanted[m.out.name] {
					wanted[m.out.name] = true
					opts = append(opts, Targets(m.out.name))
				}
			}
		}
		b := &staffed{Memory: &broker.Memory{}, pipeline: p, hides: func(*broker.Result) bool { return true }}
		res, err := p.Run(context.Background(), in, append(opts, MaxParallel(rapid.IntRange(0, 3).Draw(rt, "limit")), WithBroker(b))...)
		if err != nil {
			rt.Fatal(err)
		}
		for _, m := range tasks {
			got, there := res.Outputs()[m.out.name]
			if want := m.out.whole(); there != (opts == nil || wanted[m.out.name]) || there && !reflect.DeepEqual(got, want) {
				rt.Fatalf("%s is %v (%v), want %v", m.out.name, got, there, want)
			}
		}
	})
}

// TestRandomMapsFailAsASequentialModelSays: the elements that fail, those that
// are skipped and the values of the others are those of nested loops.
func TestRandomMapsFailAsASequentialModelSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data, tasks := drawMaps(rt, true)
		p, in := buildMaps(rt, data, tasks)
		failures := 0
		for _, m := range tasks {
			for _, x := range m.out.cells {
				if x.state == Failed {
					failures++
				}
			}
		}
		for _, limit := range []int{0, 1, 2, 3} {
			res, err := p.Run(context.Background(), in, MaxParallel(limit), OnError(ContinueOnError))
			e, _ := errors.AsType[*RunError](err)
			if failures == 0 && err != nil || failures > 0 && (e == nil || len(e.Tasks) != failures || !errors.Is(err, errElement)) {
				rt.Fatalf("limit %d: error %v, want %d failures", limit, err, failures)
			}
			for _, m := range tasks {
				checkMap(rt, res, m)
			}
			res, err = p.Run(context.Background(), in, MaxParallel(limit), OnError(SkipFailed))
			if err != nil {
				rt.Fatalf("limit %d: SkipFailed returns no error, got %v", limit, err)
			}
			for _, m := range tasks {
				checkMap(rt, res, m)
			}
			if _, err = p.Run(context.Background(), in, MaxParallel(limit)); (err != nil) != (failures > 0) {
				rt.Fatalf("limit %d: fail fast ends with %v, want %d failures", limit, err, failures)
			}
		}
	})
}

// checkMap holds what became of a mapped task against the model.
func checkMap(t *rapid.T, res *Result, m *mapModel) {
	p, err := Get[Partial[uint32]](res, m.out.name)
	if err != nil {
		t.Fatalf("%s: %v", m.out.name, err)
	}
	want := Succeeded
	if m.out.has(Skipped) {
		want = Skipped
	}
	if m.out.has(Failed) {
		want = Failed
	}
	r, _ := res.Report().Task(m.out.name)
	if r.State != want {
		t.Fatalf("%s is %v, want %v", m.out.name, r.State, want)
	}
	whole, werr := res.value(m.out.name)
	if (werr == nil) != (want == Succeeded) || werr == nil && !reflect.DeepEqual(whole, m.out.whole()) {
		t.Fatalf("%s, which %v, is %v, %v", m.out.name, want, whole, werr)
	}
	totals := Totals{Tasks: len(m.out.cells)}
	for e, x := range m.out.cells {
		err := p.Errs[e]
		if p.Values[e] != x.value || (err == nil) != (x.state == Succeeded) || errors.Is(err, errElement) != (x.state == Failed || x.state == Skipped) || errors.Is(err, ErrSkipped) != (x.state == Skipped) {
			t.Fatalf("%s: element %d is %v, %v, want %v %v", m.out.name, e, p.Values[e], err, x.value, x.state)
		}
		switch x.state {
		case Succeeded:
			totals.Succeeded++
		case Failed:
			totals.Failed++
		case Skipped:
			totals.Skipped++
			continue
		}
		totals.Attempts++
		if m.retries > 0 && (m.fails[e] || m.flaky[e]) {
			totals.Attempts++
		}
	}
	if r.Elements == nil || *r.Elements != totals {
		t.Fatalf("%s: the report counts %+v, want %+v", m.out.name, r.Elements, totals)
	}
}

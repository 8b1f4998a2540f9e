package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// errDrawn is the failure of a task that is drawn to fail.
var errDrawn = errors.New("drawn to fail")

// A randomTask is one task of a random graph: enough to declare it with Runnel,
// and to say what must become of it without.
type randomTask struct {
	kind    string // see declare
	name    string
	inputs  []randomInput
	outputs []string
	after   []string
	fails   bool
}

type randomInput struct {
	data   string
	absent string // how an absent value shows in the task; empty: it must be there
}

// A randomGraph is tasks in an order in which they can run, and what the caller
// supplies.
type randomGraph struct {
	tasks    []*randomTask
	supplied runnel.Values
}

// randomKinds are the ways to declare a task, by how often they are drawn.
var randomKinds = []string{"none", "one", "one", "two", "two", "optional", "optional", "multi", "func", "values", "values"}

// drawRandom draws a graph of every kind of task, each with data of tasks before
// it or of the caller, some of it optional and not supplied.
func drawRandom(t *rapid.T, failures bool) *randomGraph {
	g := &randomGraph{supplied: runnel.Values{"ext a": 11, "ext b": 22}}
	data := []string{"ext a", "ext b"}
	optional := []string{"maybe a", "maybe b"}
	for i, name := range optional {
		if rapid.Bool().Draw(t, "supplied") {
			g.supplied[name] = 33 * (i + 1)
		}
	}
	multis := 0
	for i := range rapid.IntRange(1, 25).Draw(t, "tasks") {
		task := &randomTask{kind: rapid.SampledFrom(randomKinds).Draw(t, "kind"), name: fmt.Sprint("t", i)}
		// Brackets mean nothing to a values task, and are refused by all others.
		plain := slices.DeleteFunc(slices.Clone(data), func(name string) bool { return strings.Contains(name, "[") })
		some := func(n int) []string { return rapid.SliceOfN(rapid.SampledFrom(plain), n, n).Draw(t, "data") }
		task.outputs = []string{task.name}
		var names []string
		switch task.kind {
		case "one":
			names = some(1)
		case "two":
			names = some(2) // of the same data, at times
		case "func":
			names = rapid.SliceOfNDistinct(rapid.SampledFrom(plain), 2, 2, rapid.ID[string]).Draw(t, "data")
		case "optional":
			names = some(1)
			task.need(names)
			names = nil
			for _, absent := range []string{"absent", "-5", "0"} {
				from := rapid.SampledFrom(slices.Concat(plain, optional)).Draw(t, "optional data")
				task.inputs = append(task.inputs, randomInput{from, absent})
			}
		case "multi":
			// As renames the first output only, so each other name is there once.
			if multis == len(randomMultis) {
				task.kind = "none"
				break
			}
			names = some(1)
			task.outputs = append(task.outputs, fmt.Sprint("second_", multis))
			multis++
		case "values":
			names = rapid.SliceOfNDistinct(rapid.SampledFrom(data), 0, min(5, len(data)), rapid.ID[string]).Draw(t, "data")
			task.outputs = nil
			for k := range rapid.IntRange(0, 3).Draw(t, "outputs") {
				task.outputs = append(task.outputs, fmt.Sprintf([]string{"t%d/first", "t%d second", "t%d[i]"}[k], i))
			}
		}
		task.need(names)
		if i > 0 {
			for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "after") {
				task.after = append(task.after, g.tasks[rapid.IntRange(0, i-1).Draw(t, "after task")].name)
			}
		}
		task.fails = failures && rapid.IntRange(0, 5).Draw(t, "fails") == 0
		g.tasks = append(g.tasks, task)
		data = append(data, task.outputs...)
	}
	// What no task takes is not an input of the graph.
	for name := range g.supplied {
		if !slices.ContainsFunc(g.tasks, func(t *randomTask) bool { return t.takes(name) }) {
			delete(g.supplied, name)
		}
	}
	return g
}

func (m *randomTask) need(names []string) {
	for _, name := range names {
		m.inputs = append(m.inputs, randomInput{data: name})
	}
}

func (m *randomTask) takes(data string) bool {
	return slices.ContainsFunc(m.inputs, func(in randomInput) bool { return in.data == data })
}

// randomArg is an input as a task sees it: its value, or how its absence shows.
type randomArg string

func argOf(v int) randomArg { return randomArg(fmt.Sprint(v)) }

// compute is what every task does, in a run and in the model: the outputs tell
// the task and all that it saw.
func (m *randomTask) compute(args []randomArg) (seen string, outputs []int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%v", m.name, args)
	for k := range m.outputs {
		h := fnv.New32a()
		fmt.Fprintf(h, "%s.%d", b.String(), k)
		outputs = append(outputs, int(h.Sum32()))
	}
	return b.String(), outputs
}

// An outcome is what becomes of the tasks of a graph.
type outcome struct {
	states map[string]runnel.State
	seen   map[string]string // what each called task saw
	values map[string]any
}

// reference runs the graph one task after the other, by the rules of
// ContinueOnError.
func (g *randomGraph) reference() outcome {
	o := outcome{map[string]runnel.State{}, map[string]string{}, map[string]any{}}
	for _, m := range g.tasks {
		args, runs := make([]randomArg, len(m.inputs)), true
		for i, in := range m.inputs {
			v, there := o.values[in.data]
			if !there {
				v, there = g.supplied[in.data]
			}
			switch {
			case there:
				args[i] = argOf(v.(int))
			case in.absent != "":
				args[i] = randomArg(in.absent)
			default:
				runs = false
			}
		}
		for _, name := range m.after {
			runs = runs && o.states[name] == runnel.Succeeded
		}
		if !runs {
			o.states[m.name] = runnel.Skipped
			continue
		}
		seen, outputs := m.compute(args)
		o.seen[m.name] = seen
		if m.fails {
			o.states[m.name] = runnel.Failed
			continue
		}
		o.states[m.name] = runnel.Succeeded
		for k, name := range m.outputs {
			o.values[name] = outputs[k]
		}
	}
	return o
}

// waits are the tasks that must have ended before this one starts.
func (g *randomGraph) waits(m *randomTask) []string {
	names := slices.Clone(m.after)
	for _, other := range g.tasks {
		if slices.ContainsFunc(other.outputs, m.takes) {
			names = append(names, other.name)
		}
	}
	return names
}

// A witness watches the tasks of one run. Tasks find it in their context.
type witness struct {
	mu     sync.Mutex
	clock  int
	starts map[string][]int
	ends   map[string]int
	seen   map[string]string
}

type witnessKey struct{}

func newWitness(ctx context.Context) (context.Context, *witness) {
	w := &witness{starts: map[string][]int{}, ends: map[string]int{}, seen: map[string]string{}}
	return context.WithValue(ctx, witnessKey{}, w), w
}

// note writes something down, and when.
func (w *witness) note(what func(clock int)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock++
	what(w.clock)
}

// call is the body of every declared task.
func (m *randomTask) call(ctx context.Context, args ...randomArg) ([]int, error) {
	w := ctx.Value(witnessKey{}).(*witness)
	seen, outputs := m.compute(args)
	w.note(func(clock int) { w.starts[m.name] = append(w.starts[m.name], clock) })
	runtime.Gosched() // let others in between
	w.note(func(clock int) { w.seen[m.name], w.ends[m.name] = seen, clock })
	if m.fails {
		return nil, errDrawn
	}
	return outputs, nil
}

func (m *randomTask) one(ctx context.Context, args ...randomArg) (int, error) {
	out, err := m.call(ctx, args...)
	if err != nil {
		return 0, err
	}
	return out[0], nil
}

// declare declares the task with Runnel.
func (m *randomTask) declare() runnel.AnyTask {
	after := runnel.After(m.after...)
	data := func(i int) string { return m.inputs[i].data }
	switch m.kind {
	case "none":
		return runnel.NewTask("output", func(ctx context.Context, _ struct{}) (int, error) { return m.one(ctx) }, after).As(m.name)
	case "one":
		return runnel.NewTask("output", func(ctx context.Context, in struct{ A int }) (int, error) {
			return m.one(ctx, argOf(in.A))
		}, after).As(m.name).Bind("a", data(0))
	case "two":
		return runnel.NewTask(m.name, func(ctx context.Context, in struct{ A, B int }) (int, error) {
			return m.one(ctx, argOf(in.A), argOf(in.B))
		}, after).Bind("b", data(1)).Bind("a", data(0))
	case "optional":
		return runnel.NewTask(m.name, func(ctx context.Context, in struct {
			A int
			B runnel.Opt[int]
			C int `runnel:"c,default=-5"`
			D int `runnel:",optional"`
		}) (int, error) {
			b := randomArg("absent")
			if in.B.Ok {
				b = argOf(in.B.Value)
			}
			return m.one(ctx, argOf(in.A), b, argOf(in.C), argOf(in.D))
		}, after).Bind("a", data(0)).Bind("b", data(1)).Bind("c", data(2)).Bind("d", data(3))
	case "multi":
		return randomMultis[m.outputs[1]](m, after)
	case "func":
		return runnel.Func(m.name, func(ctx context.Context, a, b int) (int, error) {
			return m.one(ctx, argOf(a), argOf(b))
		}, runnel.Inputs(data(0), data(1)), after)
	}
	names := make([]string, len(m.inputs))
	for i := range names {
		names[i] = data(i)
	}
	return runnel.NewValuesTask(m.name, names, m.outputs, func(ctx context.Context, in runnel.Values) (runnel.Values, error) {
		if len(in) != len(names) {
			return nil, fmt.Errorf("got %v, want the values of %q and nothing else", in, names)
		}
		args := make([]randomArg, len(names))
		for i, name := range names {
			args[i] = argOf(in[name].(int))
		}
		out, err := m.call(ctx, args...)
		if err != nil {
			return nil, err
		}
		values := runnel.Values{}
		for k, name := range m.outputs {
			values[name] = out[k]
		}
		return values, nil
	}, after)
}

// randomMultis declare tasks of two outputs, by the name of the second.
var randomMultis = map[string]func(*randomTask, runnel.TaskOption) runnel.AnyTask{
	"second_0": declareMulti(func(a, b int) (o struct{ First, Second_0 int }) { o.First, o.Second_0 = a, b; return }),
	"second_1": declareMulti(func(a, b int) (o struct{ First, Second_1 int }) { o.First, o.Second_1 = a, b; return }),
	"second_2": declareMulti(func(a, b int) (o struct {
		Base   struct{} `runnel:"-"`
		First  int
		Second int `runnel:"second_2"`
	}) {
		o.First, o.Second = a, b
		return
	}),
}

func declareMulti[Out any](pack func(first, second int) Out) func(*randomTask, runnel.TaskOption) runnel.AnyTask {
	return func(m *randomTask, after runnel.TaskOption) runnel.AnyTask {
		return runnel.NewMultiTask(func(ctx context.Context, in struct{ A int }) (out Out, err error) {
			values, err := m.call(ctx, argOf(in.A))
			if err == nil {
				out = pack(values[0], values[1])
			}
			return out, err
		}, after).As(m.name).Bind("a", m.inputs[0].data)
	}
}

// declare declares all tasks, in the given order.
func (g *randomGraph) declare(order []int) []runnel.AnyTask {
	tasks := make([]runnel.AnyTask, len(order))
	for i, at := range order {
		tasks[i] = g.tasks[at].declare()
	}
	return tasks
}

package runnel

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/binding"
	"pgregory.net/rapid"
)

// A cube is data of any rank, flat, the last axis running fastest. Each value has
// an outcome of its own.
type cube struct {
	name  string
	dims  []int
	cells []cell
	plain bool // supplied by the caller
}

type cell struct {
	value uint32
	state State
}

// at is where the cell with an index stands.
func (c *cube) at(index []int) int {
	at := 0
	for d, i := range index {
		at = at*c.dims[d] + i
	}
	return at
}

// row is the cells below an index of the first axes.
func (c *cube) row(index []int) []cell {
	width := 1
	for _, n := range c.dims[len(index):] {
		width *= n
	}
	at := 0
	for d, i := range index {
		at = at*c.dims[d] + i
	}
	return c.cells[at*width : (at+1)*width]
}

// modelInput is how a random mapped task takes data: along which of its axes, the
// rest as rows.
type modelInput struct {
	from     *cube
	axes     []int // of the task
	optional bool
}

// A mapModel is one random mapped task.
type mapModel struct {
	out     *cube
	inputs  []modelInput
	fails   map[int]bool // elements, by their place
	retries int
	flaky   map[int]bool // elements that fail once
	limit   int          // of its own, -1 for none
}

var errElement = errors.New("drawn to fail")

// drawMaps draws a pipeline of mapped tasks with random axes in random order over
// data of random shapes.
func drawMaps(t *rapid.T, failures bool) (data []*cube, tasks []*mapModel) {
	for k := range rapid.IntRange(1, 3).Draw(t, "externals") {
		c := &cube{name: fmt.Sprint("ext", k), plain: true}
		for range rapid.IntRange(1, 3).Draw(t, "rank") {
			n := rapid.IntRange(0, 4).Draw(t, "length")
			if slices.Contains(c.dims, 0) {
				n = 0 // without rows there is nothing that has columns
			}
			c.dims = append(c.dims, n)
		}
		for i := range product(c.dims) {
			c.cells = append(c.cells, cell{uint32(100*k + i), Succeeded})
		}
		data = append(data, c)
	}
	for k := range rapid.IntRange(1, 6).Draw(t, "tasks") {
		m := drawMap(t, data, fmt.Sprint("t", k))
		if failures {
			m.drawFailures(t)
		}
		m.compute()
		data, tasks = append(data, m.out), append(tasks, m)
	}
	return data, tasks
}

// drawMap draws inputs whose axes fit: each axis of an input goes on one of the
// task's that has its length, or on a new one, or, from the last, into rows.
func drawMap(t *rapid.T, data []*cube, name string) *mapModel {
	m := &mapModel{out: &cube{name: name}, limit: rapid.SampledFrom([]int{-1, -1, 0, 1, 2}).Draw(t, "own limit")}
	var lengths []int // of the axes so far
	seen := map[string]bool{}
	for range rapid.IntRange(1, 3).Draw(t, "inputs") {
		from := rapid.SampledFrom(data).Draw(t, "data")
		in := modelInput{from: from}
		taken := len(from.dims)
		if rapid.IntRange(0, 2).Draw(t, "rows") == 0 {
			taken = rapid.IntRange(1, len(from.dims)).Draw(t, "taken")
		}
		for d := range taken {
			var fit []int
			for axis, n := range lengths {
				if n == from.dims[d] && !slices.Contains(in.axes, axis) {
					fit = append(fit, axis)
				}
			}
			if len(fit) > 0 && (len(lengths) >= 3 || rapid.Bool().Draw(t, "zip")) {
				in.axes = append(in.axes, rapid.SampledFrom(fit).Draw(t, "axis"))
				continue
			}
			if len(lengths) >= 4 {
				in.axes = nil
				break
			}
			in.axes = append(in.axes, len(lengths))
			lengths = append(lengths, from.dims[d])
		}
		key := fmt.Sprint(from.name, in.axes)
		if len(in.axes) == 0 || seen[key] {
			continue
		}
		seen[key] = true
		m.inputs = append(m.inputs, in)
	}
	if len(m.inputs) == 0 {
		from := data[0]
		in := modelInput{from: from}
		lengths = slices.Clone(from.dims)
		for d := range from.dims {
			in.axes = append(in.axes, d)
		}
		m.inputs = []modelInput{in}
	}
	// Axes that nobody carries go; the others are put in a random order.
	var used []int
	for _, in := range m.inputs {
		for _, axis := range in.axes {
			if !slices.Contains(used, axis) {
				used = append(used, axis)
			}
		}
	}
	order := rapid.Permutation(used).Draw(t, "order")
	for i := range m.inputs {
		for k, axis := range m.inputs[i].axes {
			m.inputs[i].axes[k] = slices.Index(order, axis)
		}
	}
	for _, axis := range order {
		m.out.dims = append(m.out.dims, lengths[axis])
	}
	return m
}

// drawFailures lets some elements fail, some once, and some inputs be optional.
func (m *mapModel) drawFailures(t *rapid.T) {
	m.fails, m.flaky = map[int]bool{}, map[int]bool{}
	m.retries = rapid.IntRange(0, 1).Draw(t, "retries")
	for e := range product(m.out.dims) {
		switch rapid.IntRange(0, 9).Draw(t, "fate") {
		case 0:
			m.fails[e] = true
		case 1:
			m.flaky[e] = true
		}
	}
	for i := range m.inputs {
		m.inputs[i].optional = rapid.IntRange(0, 4).Draw(t, "optional") == 0
	}
}

// compute is the reference: nested loops, one element after the other.
func (m *mapModel) compute() {
	for e := range product(m.out.dims) {
		index, rest := make([]int, len(m.out.dims)), e
		for d := len(index) - 1; d >= 0; d-- {
			index[d] = rest % m.out.dims[d]
			rest /= m.out.dims[d]
		}
		var args []any
		c := cell{state: Succeeded}
		for _, in := range m.inputs {
			var at []int
			for _, axis := range in.axes {
				at = append(at, index[axis])
			}
			values, there := []uint32{}, true
			for _, x := range in.from.row(at) {
				values = append(values, x.value)
				there = there && x.state == Succeeded
			}
			if !there && !in.optional {
				c.state = Skipped
			}
			args = append(args, modelArg(shaped(values, in.from.dims[len(at):]), there))
		}
		switch {
		case c.state == Skipped:
		case m.fails[e] || m.flaky[e] && m.retries == 0:
			c.state = Failed
		default:
			c.value = modelValue(m.out.name, index, args)
		}
		m.out.cells = append(m.out.cells, c)
	}
}

// shaped is a flat list in the shape of dims: a number, or slices of slices.
func shaped(flat []uint32, dims []int) any {
	if len(dims) == 0 {
		return flat[0]
	}
	width := product(dims[1:])
	typ := reflect.TypeFor[uint32]()
	for range dims {
		typ = reflect.SliceOf(typ)
	}
	out := reflect.MakeSlice(typ, dims[0], dims[0])
	for i := range dims[0] {
		out.Index(i).Set(reflect.ValueOf(shaped(flat[i*width:(i+1)*width], dims[1:])))
	}
	return out.Interface()
}

// modelArg is an argument as the value of an element depends on it.
func modelArg(v any, there bool) string {
	if !there {
		return "absent"
	}
	return fmt.Sprint(v)
}

func modelValue(name string, index []int, args []any) uint32 {
	h := fnv.New32a()
	fmt.Fprint(h, name, index, args)
	return h.Sum32()
}

// anyInputs is the input of every random task; which data its fields take, and
// along which axes, is drawn.
type anyInputs struct{ A, B, C Opt[any] }

// declare makes the task.
func (m *mapModel) declare() AnyTask {
	sig := &signature{typ: reflect.TypeFor[anyInputs](), template: reflect.ValueOf(anyInputs{})}
	for field := range 3 { // all, used or not: workers share the frames of a type
		sig.fields = append(sig.fields, binding.Field{Index: []int{field}, Optional: true})
	}
	for k, in := range m.inputs {
		axes := axesOf(in.axes)
		sig.inputs = append(sig.inputs, input{name: in.from.name, label: axisNames[k : k+1], axes: axes, typ: reflect.TypeFor[any](), optional: in.optional})
	}
	all := make([]int, len(m.out.dims))
	for k := range all {
		all[k] = k
	}
	opts := []TaskOption{Retries(m.retries), RetryDelay(0)}
	if m.limit >= 0 {
		opts = append(opts, MaxParallel(m.limit))
	}
	call := func(ctx context.Context, in anyInputs) (uint32, error) {
		info := Info(ctx)
		if e := m.out.at(info.Index); m.fails[e] || m.flaky[e] && info.Attempt == 1 {
			return 0, fmt.Errorf("%w: %s", errElement, info.Label())
		}
		var args []any
		for _, arg := range []Opt[any]{in.A, in.B, in.C}[:len(m.inputs)] {
			args = append(args, modelArg(arg.Value, arg.Ok))
		}
		return modelValue(m.out.name, info.Index, args), nil
	}
	return &MapTask[anyInputs, uint32]{handle{declareMap(m.out.name, axesOf(all), sig, mapperOf[uint32](), bodyOf(call), opts)}}
}

const axisNames = "ijklmn"

func axesOf(axes []int) (names []string) {
	for _, a := range axes {
		names = append(names, axisNames[a:a+1])
	}
	return names
}

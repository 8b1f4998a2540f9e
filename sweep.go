package runnel

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/binding"
)

// Grid gives [Sweep] the values of each parameter, by name: a slice, an array or
// an iter.Seq.
type Grid map[string]any

// SweepResult is a [MapResult] in which each result has its parameters.
type SweepResult[P, R any] struct {
	MapResult[R]
	// Params are the parameters of each result, at the same index.
	Params []P
}

// All goes through the combinations that succeeded, in order: parameters and
// result.
func (s *SweepResult[P, R]) All() iter.Seq2[P, R] {
	return func(yield func(P, R) bool) {
		for i, r := range s.Succeeded() {
			if !yield(s.Params[i], r) {
				return
			}
		}
	}
}

// Sweep calls fn for every combination of the grid's values, as [Map] calls it for
// items, and returns each result with its parameters.
//
//	Sweep(ctx, Grid{"rate": []float64{0.1, 0.01}, "depth": []int{2, 4, 8}},
//		func(ctx context.Context, p struct {
//			Rate  float64
//			Depth int
//		}) (float64, error) { … })
//
// P is a struct that is bound like the input of a [NewTask]: a field takes the
// parameter of its name in snake case or of its tag. A parameter that the grid has
// not must be optional or have a default. The order of the combinations is that of
// nested loops over P's fields, the first one outermost: the last field runs fastest,
// and the order of the grid, a map, means nothing. A parameter without values gives
// no combinations. Everything that is wrong with the grid is one [*InputError].
func Sweep[P, R any](ctx context.Context, grid Grid, fn func(context.Context, P) (R, error), opts ...BatchOption) (*SweepResult[P, R], error) {
	c := newBatchConfig(opts)
	params, err := combinations[P](ctx, c, grid)
	if err != nil {
		return &SweepResult[P, R]{}, err
	}
	res, err := mapItems(ctx, "Sweep", c, params, fn)
	return &SweepResult[P, R]{*res, params}, err
}

// axis is a parameter with several values.
type axis struct {
	field  int
	values binding.Reader
	n      int
}

// combinations are all combinations of a grid's values. What is wrong becomes a
// problem of c; the error says that ctx ended meanwhile.
func combinations[P any](ctx context.Context, c *batchConfig, grid Grid) ([]P, error) {
	before := len(c.problems)
	sig := signatureOf(reflect.TypeFor[P]())
	if sig.notStruct {
		c.problem("the parameters must be a struct with a field for each, got %s: use struct{ … }", reflect.TypeFor[P]())
		return nil, nil
	}
	for _, text := range sig.problems {
		c.problem("%s", text)
	}
	var axes []axis
	var names []string
	total, none := int64(1), false
	for i := range sig.inputs {
		in := &sig.inputs[i]
		names = append(names, in.name)
		values, there := grid[in.name]
		switch {
		case in.axes != nil || in.partial:
			c.problem("parameter %q (%s) is one value in each combination: drop the brackets, or take a plain type instead of a Partial", in.name, in.label)
		case !there && !in.optional:
			c.problem("parameter %q (%s) is not in the grid%s: give it values, or make it optional", in.name, in.label, didYouMean(in.name, unused(grid, sig)))
		case there:
			a, text := newAxis(ctx, i, in, values)
			if ctx != nil && ctx.Err() != nil {
				return nil, &BatchError{Func: "Sweep", Cause: context.Cause(ctx), kind: ctx.Err()}
			}
			if text != "" {
				c.problem("%s", text)
				continue
			}
			axes = append(axes, a)
			none = none || a.n == 0
			total = min(total*int64(max(1, a.n)), math.MaxInt32+1)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(grid)) {
		if !slices.Contains(names, name) {
			c.problem("the grid has values for %q, which no field of the parameters takes%s: drop them, or correct the name", name, didYouMean(name, slices.Values(names)))
		}
	}
	if none {
		total = 0
	} else if total > math.MaxInt32 {
		c.problem("the combinations are more than the %d that one call can have", math.MaxInt32)
	}
	if len(c.problems) > before {
		return nil, nil
	}
	f := binding.NewFrame(sig.fields, sig.template)
	params := make([]P, total)
	for k := range params {
		rest := k
		for _, a := range slices.Backward(axes) {
			// The types fit, so there is no error.
			_ = f.Set(a.field, a.values, rest%a.n)
			rest /= a.n
		}
		params[k] = binding.Take[P](f)
	}
	return params, nil
}

// unused are the names of a grid that no field takes.
func unused(grid Grid, sig *signature) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range grid {
			if !slices.ContainsFunc(sig.inputs, func(in input) bool { return in.name == name }) && !yield(name) {
				return
			}
		}
	}
}

// newAxis reads the values of a parameter, or says what is wrong with them.
func newAxis(ctx context.Context, field int, in *input, values any) (axis, string) {
	label := fmt.Sprintf("parameter %q (%s)", in.name, in.label)
	if t := reflect.TypeOf(values); t != nil {
		elem, ok := elementType(t, 1)
		switch {
		case !ok:
			return axis{}, fmt.Sprintf("%s needs a slice, an array or an iter.Seq of its values, but the grid has %s: write []%s{…}", label, t, in.typ)
		case elem.Kind() != reflect.Interface && !elem.AssignableTo(in.typ):
			have, want := typeNames(elem, in.typ)
			return axis{}, fmt.Sprintf("%s takes %s, but the grid has values of type %s: change one of them", label, want, have)
		}
	}
	reader, dims, err := elementsOf(ctx, values)
	if err != nil {
		return axis{}, fmt.Sprintf("%s: the grid's value: %v", label, err)
	}
	for i := range dims {
		if err := reader.CopyTo(i, reflect.New(in.typ).Interface()); err != nil {
			return axis{}, fmt.Sprintf("%s: value %d of the grid: %v: change one of them", label, i, err)
		}
	}
	return axis{field, reader, dims}, ""
}

// elementsOf reads the elements of a value. An iter.Seq calls code that is not
// ours. A nil ctx, which is a mistake that is told of later, ends nothing.
func elementsOf(ctx context.Context, values any) (r binding.Reader, n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its iterator panicked: %v", v)
		}
	}()
	if ctx == nil {
		ctx = context.Background()
	}
	values, err = collected(ctx, values)
	if err != nil {
		return nil, 0, err
	}
	r, dims, err := binding.Elements(values, 1)
	if err != nil {
		return nil, 0, err
	}
	return r, dims[0], nil
}

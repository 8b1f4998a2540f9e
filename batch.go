package runnel

import (
	"context"
	"fmt"
	"math"
)

// Map calls fn for each item, many at once, and returns the results in the order
// of the items. A declared task is handed over as [Task.Func].
//
// Every item is called, whatever fails, unless OnError([FailFast]) says otherwise.
// The result is always there. The error is nil when every item succeeded or, with
// OnError([SkipFailed]), when at least one did; otherwise it is a [*BatchError]
// with the failures by index, or an [*InputError] when the call itself is wrong and
// nothing has run. No items give no results and no error.
//
// At most 1,024 items are being called at once, or as many as [MaxParallel] says.
// Called inside a task, Map has that limit for itself: it takes no slots of the
// run around it, and waits for none. A cancelled ctx stops it: Map returns when the
// functions that were running have returned. A panic of fn is an error of its item.
func Map[T, R any](ctx context.Context, items []T, fn func(context.Context, T) (R, error), opts ...BatchOption) (*MapResult[R], error) {
	c := newBatchConfig(opts)
	return mapItems(ctx, "Map", c, items, fn)
}

// mapItems is Map on behalf of a caller.
func mapItems[T, R any](ctx context.Context, caller string, c *batchConfig, items []T, fn func(context.Context, T) (R, error), wrong ...string) (*MapResult[R], error) {
	res := &MapResult[R]{Items: len(items), Results: make([]R, len(items))}
	wrong = append(wrong, isNilText(ctx == nil, nilContext), isNilText(fn == nil, nilFunction), tooMany(len(items)))
	if err := c.check(caller, wrong...); err != nil {
		res.refuse(err)
		return res, err
	}
	out := runItems(ctx, c, caller, len(items), false, func(ctx context.Context, i int32) error {
		r, err := fn(ctx, items[i])
		if err == nil {
			res.Results[i] = r
		}
		return err
	})
	res.Errors, res.Duration = out.errs(), out.took
	return res, out.err(caller, c)
}

// refuse says of every item that nothing has run.
func (m *MapResult[R]) refuse(err error) {
	if m.Items > 0 {
		m.Errors = make(map[int]error, m.Items)
	}
	for i := range m.Items {
		m.Errors[i] = err
	}
}

func tooMany(items int) string {
	if items > math.MaxInt32 {
		return fmt.Sprintf("%d items are more than the %d that one call can have", items, math.MaxInt32)
	}
	return ""
}

// MapReduce maps the items as [Map] does, then reduces the results in their order
// as [Reduce] does. A map with failures is not reduced: MapReduce returns initial
// and the failures, unless OnError([SkipFailed]) asks for the successes alone; when
// there are none, that is an error. Options hold for both halves, those on chunks
// and [Progress] for the map.
func MapReduce[T, R, A any](ctx context.Context, items []T, mapFn func(context.Context, T) (R, error), initial A, reduceFn func(context.Context, A, R) (A, error), opts ...BatchOption) (A, error) {
	c := newBatchConfig(opts)
	mapped, err := mapItems(ctx, "MapReduce", c, items, mapFn, isNilText(reduceFn == nil, "the function that reduces is nil: give one"), notFirst[R, A](c))
	if err != nil {
		return initial, err
	}
	results, index := mapped.Results, []int(nil)
	if len(mapped.Errors) > 0 {
		results = nil
		for i, r := range mapped.Succeeded() {
			results, index = append(results, r), append(index, i)
		}
	}
	c.progress, c.chunks = nil, chunking{}
	return fold(ctx, "MapReduce, reducing", c, results, index, initial, reduceFn)
}

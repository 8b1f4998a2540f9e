package runnel

import (
	"context"
	"fmt"
	"reflect"
	"strings"
)

// Reduce calls fn for each item in order, with what it returned before, beginning
// with initial; what the last call returns is the result. No items give initial.
// With [ReduceFirst] it begins with the first item instead.
//
// An item that fails, after its retries, is left out: the next one gets the value
// that it got. The result is then that of the others, and the error, a
// [*BatchError], says which were left out; with OnError([SkipFailed]) it is nil
// when any item succeeded. OnError([FailFast]) stops at the first failure. A
// retried call gets the same value again, so fn must not change what it refers to.
func Reduce[T, A any](ctx context.Context, items []T, initial A, fn func(context.Context, A, T) (A, error), opts ...BatchOption) (A, error) {
	c := newBatchConfig(opts)
	err := c.check("Reduce", isNilText(ctx == nil, nilContext), isNilText(fn == nil, nilFunction), tooMany(len(items)), notFirst[T, A](c),
		isNilText(c.chunked != "", c.chunked+" has no meaning for Reduce, which calls for one item after another: use ReduceTree, or drop it"))
	if err != nil {
		return initial, err
	}
	return fold(ctx, "Reduce", c, items, nil, initial, fn)
}

// fold reduces items one after another. index is what they are called in errors,
// nil when that is their place.
func fold[T, A any](ctx context.Context, caller string, c *batchConfig, items []T, index []int, initial A, fn func(context.Context, A, T) (A, error)) (A, error) {
	acc, skipped := initial, 0
	if c.first && len(items) > 0 {
		acc, _ = any(items[0]).(A) // it fits, or is a nil interface
		items, skipped = items[1:], 1
	}
	c.chunks = chunking{size: len(items)}
	name, _, _ := strings.Cut(caller, ",")
	out := runItems(ctx, c, name, len(items), true, func(ctx context.Context, i int32) error {
		next, err := fn(ctx, acc, items[i])
		if err == nil {
			acc = next
		}
		return err
	})
	out.items += skipped
	for _, e := range out.failed {
		if e.Index += skipped; index != nil {
			e.Index = index[e.Index]
		}
	}
	return acc, out.err(caller, c)
}

// notFirst says why [ReduceFirst] cannot be, or is empty.
func notFirst[T, A any](c *batchConfig) string {
	item, acc := reflect.TypeFor[T](), reflect.TypeFor[A]()
	if !c.first || item.AssignableTo(acc) {
		return ""
	}
	have, want := typeNames(item, acc)
	return fmt.Sprintf("ReduceFirst: the reduction is of type %s, and cannot begin with an item of type %s: make them one type, or drop the option and give initial", want, have)
}

// ReduceTree reduces the items in parallel: neighbours are combined in pairs, the
// results of these again, until one is left. It equals combining them from left to
// right if combine is associative; it need not be commutative, since what stands
// left stays left. How the items are paired depends on their number and on
// [ChunkSize] alone, so that sums of floating-point numbers are the same each time;
// with [AdaptiveChunks] they may differ. One item is the result itself, and no items
// give the zero value.
//
// A combination that fails, after its retries, ends the whole, since leaving a part
// out would be another result: ReduceTree then returns the zero value and a
// [*BatchError]. OnError is for [Reduce].
func ReduceTree[T any](ctx context.Context, items []T, combine func(context.Context, T, T) (T, error), opts ...BatchOption) (T, error) {
	var none T
	c := newBatchConfig(opts)
	err := c.check("ReduceTree", isNilText(ctx == nil, nilContext), isNilText(combine == nil, nilFunction), tooMany(len(items)),
		isNilText(c.moded && c.mode != FailFast, "OnError: a combination that fails ends the whole, since leaving a part out would be another result: drop the option, or use Reduce"))
	if err != nil {
		return none, err
	}
	c.mode = FailFast
	told := newProgress(c.progress, max(0, len(items)-1))
	c.progress = nil
	if c.chunked == "" {
		c.chunks = chunking{size: 2}
	}
	out := &batchOutcome{items: len(items)}
	parts, first := items, []int(nil) // first item of each part, nil: they are items
	for len(parts) > 1 && out.stopped == nil && len(out.failed) == 0 {
		parts, first, out = combineChunks(ctx, c, parts, first, combine, told)
		c.chunks = chunking{size: 2}
	}
	out.progress, out.items = told.close(), len(items)
	if err := out.err("ReduceTree", c); err != nil || len(parts) == 0 {
		return none, err
	}
	return parts[0], nil
}

// combineChunks makes one part of each chunk of them.
func combineChunks[T any](ctx context.Context, c *batchConfig, parts []T, first []int, combine func(context.Context, T, T) (T, error), told *progress) ([]T, []int, *batchOutcome) {
	// sums[i] is that of the parts of i's chunk as far as i.
	sums := make([]T, len(parts))
	var chunks *handOut
	out := runFlow(ctx, c, "ReduceTree", len(parts), true, func(f *handOut) func(context.Context, int32) error {
		chunks = f
		return func(ctx context.Context, i int32) error {
			if f.isFirst(i) {
				sums[i] = parts[i]
				return nil
			}
			sum, err := combine(ctx, sums[i-1], parts[i])
			if err == nil {
				sums[i], sums[i-1] = sum, *new(T)
				told.add(1)
			}
			return err
		}
	})
	at := func(i int) int {
		if first == nil {
			return i
		}
		return first[i]
	}
	for _, e := range out.failed {
		e.Index = at(e.Index)
	}
	var combined []T
	var from []int
	for i := range sums {
		if chunks.isFirst(int32(i)) {
			from = append(from, at(i))
		}
		if chunks.isLast(int32(i)) {
			combined = append(combined, sums[i])
		}
	}
	return combined, from, out
}

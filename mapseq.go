package runnel

import (
	"cmp"
	"context"
	"iter"
)

// MapSeq calls fn for each item of a sequence, many at once, and hands over the
// results while the sequence goes on, in the order of the items or, with
// [AsCompleted], as they end:
//
//	for text, err := range MapSeq(ctx, lines, translate, MaxParallel(8)) { … }
//
// It takes bounded memory, whatever the length: no more items are taken from the
// sequence than 1,024, or as many as [MaxParallel] says up to 65,536, ahead of the
// results that were handed over. So in order, a slow item holds up those behind it in the end.
//
// An item that fails gives a zero result and an [*ItemError], and the others go on.
// With OnError([SkipFailed]) failed items are left out; when all failed, the last
// error of the sequence is a [*BatchError] with the first of them. With
// OnError([FailFast]) the first failure ends the sequence. So do a cancelled ctx, with
// a *BatchError, and a panic of items, after the results of what came before it. A
// wrong call gives one [*InputError].
//
// The items are read in a goroutine of its own. A loop that is left early ends when
// the functions that were running have returned, and the read that was going on: a
// sequence that may wait for long should stop waiting when ctx is cancelled. The
// loop's body may take its time: it holds no slot.
func MapSeq[T, R any](ctx context.Context, items iter.Seq[T], fn func(context.Context, T) (R, error), opts ...BatchOption) iter.Seq2[R, error] {
	c := newBatchConfig(opts)
	wrong := c.check("MapSeq", isNilText(ctx == nil, nilContext), isNilText(fn == nil, nilFunction),
		isNilText(items == nil, "the sequence is nil: give one, if only slices.Values of no items"),
		isNilText(c.chunked != "", c.chunked+" has no meaning for MapSeq, which hands out items as they come: drop it"),
		isNilText(c.progress != nil, "Progress has no meaning for MapSeq, whose results come one by one: count them, and drop it"),
		isNilText(c.limited && c.limit == 0, "MaxParallel(0) would take the whole sequence at once: give a limit, or drop it for 1,024"))
	return func(yield func(R, error) bool) {
		if wrong != nil {
			yield(*new(R), wrong)
			return
		}
		s := newStream(ctx, c, items, fn)
		defer s.close()
		s.deliver(yield)
	}
}

// deliver hands over results until there are no more.
func (s *stream[T, R]) deliver(yield func(R, error) bool) {
	ready := make([]bool, len(s.slots))
	next := 0 // in order: the slot of the next result
	for s.given < s.total {
		select {
		case k := <-s.ended:
			if s.completed {
				if !s.give(k, yield) {
					return
				}
				continue
			}
			ready[k] = true
		case s.total = <-s.fed:
		case <-s.x.ctx.Done():
			s.drain(ready, next, yield)
			return
		}
		for ready[next] {
			ready[next] = false
			if !s.give(int32(next), yield) {
				return
			}
			next = (next + 1) % len(s.slots)
		}
	}
	switch {
	case s.broken != nil:
		yield(*new(R), s.broken)
	case s.first != nil && s.failures == s.given:
		yield(*new(R), &BatchError{Func: "MapSeq", Items: s.given, Failed: []*ItemError{s.first}})
	}
}

// drain ends a stream that was stopped: it hands over what had ended by then, then
// what stopped it.
func (s *stream[T, R]) drain(ready []bool, next int, yield func(R, error) bool) {
	s.x.engine.Stop()
	<-s.x.engine.Done()
	for {
		select {
		case k := <-s.ended:
			if ready[k] = true; s.completed && !s.give(k, yield) {
				return
			}
			continue
		default:
		}
		break
	}
	for !s.completed && ready[next] {
		ready[next] = false
		if !s.give(int32(next), yield) {
			return
		}
		next = (next + 1) % len(s.slots)
	}
	select {
	case s.total = <-s.fed:
	default:
	}
	cause := context.Cause(s.x.ctx)
	switch {
	case s.given == s.total: // it was stopped too late
		return
	case !s.x.isStop(cause):
		yield(*new(R), &BatchError{Func: "MapSeq", Items: s.given, Cause: cause, kind: s.x.ctx.Err()})
		return
	}
	failed := s.x.failed[0] // no worker is left
	yield(*new(R), &ItemError{Index: failed.Index[0], Attempt: failed.Attempt, Err: failed.Err})
}

// give hands over the result of a slot, and frees it. It reports whether the loop
// goes on.
func (s *stream[T, R]) give(k int32, yield func(R, error) bool) bool {
	v := &s.slots[k]
	result, failed := v.result, v.failed
	*v = seqSlot[T, R]{}
	s.free <- k
	s.given++
	if failed == nil {
		return yield(result, nil)
	}
	s.failures++
	if s.config.mode == SkipFailed {
		s.first = cmp.Or(s.first, failed)
		return true
	}
	return yield(*new(R), failed)
}

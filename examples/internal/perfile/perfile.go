// Package perfile carries results for many files through a pipeline, so that a
// file that cannot be read ends in its own error and the others go on.
package perfile

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"
)

// Of is what one file came to: a value, or the error that ended its analysis.
type Of[T any] struct {
	Path  string
	Value T
	Err   error
}

// Results are what the files came to, in the order in which they were named.
type Results[T any] []Of[T]

// Start makes a result of each path, with the path as its value.
func Start(paths []string) Results[string] {
	out := make(Results[string], len(paths))
	for i, p := range paths {
		out[i] = Of[string]{Path: p, Value: p}
	}
	return out
}

// slots bounds how many files are in memory at a time, across all the tasks of
// all the runs in this process.
var slots = make(chan struct{}, runtime.GOMAXPROCS(0))

// Map calls fn for every file that has a value, as many at a time as there are
// processors, and returns what it gave in the same order. Errors stay with their
// file, and so do panics: a file that was made to break a decoder must not end
// the analysis of the others. The error returned is the context's cause, when it was cancelled.
func Map[A, B any](ctx context.Context, files Results[A], fn func(context.Context, A) (B, error)) (Results[B], error) {
	out := make(Results[B], len(files))
	var wg sync.WaitGroup
	for i, f := range files {
		out[i] = Of[B]{Path: f.Path, Err: f.Err}
		if f.Err != nil {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			wg.Wait()
			return nil, context.Cause(ctx)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i].Value, out[i].Err = guarded(ctx, f.Value, fn)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// guarded is fn with a panic made an error.
func guarded[A, B any](ctx context.Context, a A, fn func(context.Context, A) (B, error)) (b B, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its analysis panicked: %v", v)
		}
	}()
	return fn(ctx, a)
}

// Join puts two results for the same files together. A file that failed in either
// keeps the first of its errors.
func Join[A, B, C any](as Results[A], bs Results[B], fn func(A, B) C) Results[C] {
	out := make(Results[C], len(as))
	for i, a := range as {
		b := bs[i]
		out[i] = Of[C]{Path: a.Path, Err: cmp.Or(a.Err, b.Err)}
		if out[i].Err == nil {
			out[i].Value = fn(a.Value, b.Value)
		}
	}
	return out
}

// Join3 is Join for three results.
func Join3[A, B, C, D any](as Results[A], bs Results[B], cs Results[C], fn func(A, B, C) D) Results[D] {
	out := make(Results[D], len(as))
	for i, a := range as {
		b, c := bs[i], cs[i]
		out[i] = Of[D]{Path: a.Path, Err: cmp.Or(a.Err, b.Err, c.Err)}
		if out[i].Err == nil {
			out[i].Value = fn(a.Value, b.Value, c.Value)
		}
	}
	return out
}

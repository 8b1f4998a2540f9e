package runneltest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/runnelflow/runnel"
)

// ReadOnly runs a pipeline and reports, as an error of the test, each input that
// a task changes. Values pass from task to task by reference, so that a change
// is seen by every other consumer, or races with it.
//
// The error names the task, the input, and the place of the first change found,
// as in features.Tempo[3]. Everything that can be reached from an input is
// compared before and after each attempt: through pointers, slices, maps,
// interfaces and unexported fields, round cycles too. An append that writes into
// the spare capacity of an input's slice is a change. Of channels and functions
// only the identity counts. A struct that has a field of a type of sync or
// sync/atomic guards itself, and is left out.
//
// Tasks run one at a time, whatever MaxParallel says among opts, so that it is
// clear who changed what. The time it takes to compare counts against Timeout.
// A goroutine that a task leaves behind and that writes later is not found:
// go test -race finds it.
//
// A run that fails is an error of the test as well. The result is that of
// [runnel.Pipeline.Run], nil when nothing ran.
func ReadOnly(t testing.TB, p *runnel.Pipeline, in runnel.Values, opts ...runnel.RunOption) *runnel.Result {
	t.Helper()
	if p == nil {
		t.Errorf("runneltest: the pipeline is nil: give ReadOnly the one that FromTasks, NewPipeline or Registry.Build returned, after looking at the error")
		return nil
	}
	w := &witness{seen: map[[2]string]bool{}}
	// The last of two options counts, and the last interceptor is the innermost.
	opts = append(slices.Clone(opts), runnel.MaxParallel(1), runnel.Intercept(w.attempt))
	res, err := p.Run(t.Context(), in, opts...)
	for _, c := range w.changes {
		t.Errorf("runneltest: %s changes its input %q: %s. Other tasks see the same value, so copy what is to be changed (slices.Clone, maps.Clone)", placesOf(p).task(c.task), c.input, c.what)
	}
	if err != nil {
		t.Errorf("runneltest: %v", err)
	}
	return res
}

// witness looks at the inputs of every attempt before and after it.
type witness struct {
	mu      sync.Mutex
	changes []change
	seen    map[[2]string]bool // task and input
}

type change struct {
	task, input string
	what        string
}

func (w *witness) attempt(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
	in := task.Inputs()
	before := make(map[string]*snapshot, len(in))
	for name, v := range in {
		before[name] = take(v)
	}
	// Deferred, since a task that panics may have changed its inputs too.
	defer func() {
		for name, v := range in {
			if d := before[name].compare(v); d != nil {
				w.note(change{task.Task, name, fmt.Sprintf("%s%s %s", name, d.path, d.text)})
			}
		}
	}()
	return next(ctx)
}

// note keeps a change, once for each input of a task.
func (w *witness) note(c change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := [2]string{c.task, c.input}
	if w.seen[key] {
		return
	}
	w.seen[key] = true
	w.changes = append(w.changes, c)
}

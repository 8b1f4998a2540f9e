package runnel

import (
	"context"
	"strconv"
	"testing"
	"unsafe"
)

// TestOnlyLargeGraphsAreFetched: a hint for each task costs more than it saves where a cache
// holds them all.
func TestOnlyLargeGraphsAreFetched(t *testing.T) {
	for n, want := range map[int]bool{mostCached: false, mostCached + 1: true} {
		tasks := make([]AnyTask, n)
		for k := range tasks {
			tasks[k] = NewTask("n"+strconv.Itoa(k), func(context.Context, struct{}) (int, error) { return k, nil })
		}
		p, err := FromTasks(tasks...)
		if err != nil {
			t.Fatal(err)
		}
		x, err := p.prepare(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		x.cancel(nil)
		if got := x.engine.Soon != nil; got != want {
			t.Errorf("%d tasks: their memory is asked for: %v, want %v", n, got, want)
		}
	}
}

// TestSoonRemembersTheLastTask of each worker, whose function and inputs are asked for at the
// next call; and it takes tasks of all kinds, one that opens a mapped task included.
func TestSoonRemembersTheLastTask(t *testing.T) {
	p, err := FromTasks(
		NewTask("a", func(context.Context, struct{}) (int, error) { return 1, nil }),
		NewTask("b", func(_ context.Context, in struct{ A int }) (int, error) { return in.A, nil }),
		NewTask("c", func(_ context.Context, in struct{ Hz int }) (int, error) { return in.Hz, nil }),
		NewMapTask("d[i]", func(_ context.Context, in struct {
			Item int `runnel:"items[i]"`
		}) (int, error) {
			return in.Item, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	x, err := p.prepare(t.Context(), Values{"hz": 1, "items": []int{1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.cancel(nil)
	w := x.engine.Late()
	x.soon(w, 1)
	if w.Local != nil {
		t.Errorf("a worker that runs nothing keeps %v, want nothing", w.Local)
	}
	s := x.scratch(w)
	for n := range int32(x.plan.steps.N()) {
		x.soon(w, n)
		if want := min(n, 3); s.soon != want {
			t.Errorf("after step %d the last task is %d, want %d", n, s.soon, want)
		}
	}
}

// TestANodeIsACacheLine: one that is longer would be two, of which soon asks for the first.
func TestANodeIsACacheLine(t *testing.T) {
	if n, r := unsafe.Sizeof(node{}), unsafe.Sizeof(record{}); n > 64 || r > 32 {
		t.Errorf("a node takes %d bytes and a record %d, want at most 64 and 32", n, r)
	}
}

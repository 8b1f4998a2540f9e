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

// TestANodeIsACacheLine: one that is longer would be two, of which soon asks for the first.
func TestANodeIsACacheLine(t *testing.T) {
	if n, r := unsafe.Sizeof(node{}), unsafe.Sizeof(record{}); n > 64 || r > 32 {
		t.Errorf("a node takes %d bytes and a record %d, want at most 64 and 32", n, r)
	}
}

package runnel

import (
	"context"
	"testing"
	"time"
)

// TestReportPutsStampsInOrder: two workers read the clock on their own, and what
// one stamps can be a moment before what it followed from. No report shows that.
func TestReportPutsStampsInOrder(t *testing.T) {
	a := NewTask("a", func(context.Context, struct{}) (int, error) { return 1, nil })
	b := NewTask("b", func(context.Context, struct{}) (int, error) { return 2, nil })
	c := NewTask("c", func(_ context.Context, in struct{ A, B int }) (int, error) { return in.A + in.B, nil })
	p, err := FromTasks(a, b, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, times := range [][2]int64{{15, 30}, {15, 17}, {20, 30}, {25, 30}} {
		x, err := p.prepare(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		x.watch(false)
		x.run()
		for n := range x.records {
			rec := &x.records[n]
			switch x.plan.nodes[n].task.Name() {
			case "a":
				rec.started, rec.ended = 1, 10
			case "b":
				rec.started, rec.ended = 2, 20
			case "c":
				rec.started, rec.ended = times[0], times[1]
			}
		}
		got, _ := x.report().Task("c")
		started, ended := got.Started.Sub(x.start), got.Ended.Sub(x.start)
		wantStart := time.Duration(max(20, times[0]))
		wantEnd := max(wantStart, time.Duration(times[1]))
		if started != wantStart || ended != wantEnd || got.Waited != wantStart-20 {
			t.Errorf("stamped %v, its last producer's end 20ns: the report says %v to %v after a wait of %v, want %v to %v after %v",
				times, started, ended, got.Waited, wantStart, wantEnd, wantStart-20)
		}
	}
}

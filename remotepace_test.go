package runnel

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What goes out is never more than there is or than a batch may have; workers that may
// be idle always get something, and never all of it in one batch while others are idle,
// unless it is not worth a message; and when nothing is out, something goes.
func TestNextBatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var p pace
		for _, took := range rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, int64(time.Second))), 0, 40).Draw(rt, "took") {
			p.add(time.Duration(took))
		}
		pending := rapid.IntRange(0, 2000).Draw(rt, "pending")
		batches := rapid.IntRange(0, 40).Draw(rt, "batches")
		flying := batches * rapid.IntRange(1, mostBatched).Draw(rt, "each")
		slots := rapid.IntRange(0, 30).Draw(rt, "slots")
		n := p.next(pending, flying, batches, slots)
		if n < 0 || n > pending || n > mostBatched || p.measured == 0 && n > batchUnmeasured {
			rt.Fatalf("%d of %d go", n, pending)
		}
		if size := p.size(); p.measured > 0 && n > size || size > 1 && p.mean*float64(size) > float64(batchAim) {
			rt.Fatalf("%d go, with a size of %d and a mean of %v", n, size, time.Duration(p.mean))
		}
		if pending == 0 {
			return
		}
		if batches == 0 && n == 0 {
			rt.Fatal("nothing is out, and nothing goes")
		}
		// Elements that are worth a message each, or of which it is not known.
		if idle := min(max(slots, 1), flying+pending) - batches; slots > 0 && p.mean >= float64(batchLeast) && idle > 0 && (n == 0 || n > (pending+idle-1)/idle) {
			rt.Fatalf("%d of %d go while %d slots are idle", n, pending, idle)
		}
		if p.measured > 0 && p.size() == 1 && n == 0 {
			rt.Fatal("a long element waits for others")
		}
	})
}

// Of plain tasks something goes while a worker may be idle or have nothing to go on with,
// in even parts, and several together only where they are about as little as is aimed at;
// one that takes long never waits behind others that are measured.
func TestNextBatchOfPlainTasks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var p pace
		for _, took := range rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 100_000), rapid.Int64Range(0, int64(time.Second))), 0, 40).Draw(rt, "took") {
			p.add(time.Duration(took))
		}
		pending := rapid.IntRange(1, 2000).Draw(rt, "pending")
		batches := rapid.IntRange(0, 80).Draw(rt, "batches")
		slots := rapid.IntRange(1, 30).Draw(rt, "slots")
		n := p.plain(pending, batches, slots)
		switch idle := slots - batches; {
		case n < 0 || n > pending || n > mostBatched || n > max(1, 2*p.measured):
			rt.Fatalf("%d of %d go", n, pending)
		case n > 1 && p.mean*float64(n) > float64(plainAim):
			rt.Fatalf("%d go, with a mean of %v", n, time.Duration(p.mean))
		case idle > 0 && (n == 0 || n > (pending+idle-1)/idle):
			rt.Fatalf("%d of %d go while %d slots are idle", n, pending, idle)
		case n == 0 && p.measured > 0 && batches < 2*slots:
			rt.Fatal("nothing goes while workers have nothing to go on with")
		case n == 0 && p.measured > 0 && p.mean > float64(plainAim)/2:
			rt.Fatal("a long task waits for others")
		}
	})
}

// The size follows the elements: with steady ones it comes to the aim, a slow one makes
// it small, and soon after it is as before.
func TestPaceFollows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		took := time.Duration(rapid.Int64Range(int64(time.Microsecond), int64(time.Second)).Draw(rt, "took"))
		var p pace
		want := min(mostBatched, max(1, int(batchAim/took)))
		steady := func(when string, n int) {
			for range n {
				p.add(took)
			}
			if got := p.size(); got < want-want/8-1 || got > want+1 {
				rt.Fatalf("%s a batch has %d elements of %v, want about %d", when, got, took, want)
			}
		}
		steady("at first", mostBatched)
		p.add(100 * time.Second)
		if p.size() != 1 {
			rt.Fatalf("after a slow one a batch has %d elements", p.size())
		}
		steady("after the slow one", 400)
	})
}

// A batch is no larger than what was measured allows.
func TestPaceGrowsStepByStep(t *testing.T) {
	var p pace
	for n := range 100 {
		if got := p.size(); got > 2*n {
			t.Fatalf("after %d elements a batch has %d", n, got)
		}
		p.add(0)
	}
}

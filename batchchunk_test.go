package runnel

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestChunksHandOutEachItemOnce, in order, in chunks of the size that was asked
// for, whose ends are known.
func TestChunksHandOutEachItemOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "n")
		how := rapid.OneOf(
			rapid.Just(chunking{}),
			rapid.Map(rapid.IntRange(1, 400), func(n int) chunking { return chunking{size: n} }),
			rapid.Map(rapid.IntRange(1, 400), func(n int) chunking { return chunking{count: n} }),
			rapid.Map(rapid.IntRange(1, 20), func(n int) chunking { return chunking{least: n, most: 3 * n} }),
		).Draw(t, "chunking")
		var c chunker
		c.init(how, n)
		var sizes []int
		for at := 0; ; {
			first, more, ok := c.claim()
			if !ok {
				if at != n {
					t.Fatalf("%d of %d items were handed out", at, n)
				}
				break
			}
			if int(first) != at || !c.isFirst(first) {
				t.Fatalf("a chunk begins with item %d, want %d", first, at)
			}
			for at++; !c.isLast(int32(at - 1)); at++ {
				if c.isFirst(int32(at)) {
					t.Fatalf("item %d begins a chunk in the middle of another", at)
				}
			}
			if more != (at < n) {
				t.Fatalf("item %d ended a chunk: more is %v, of %d items", at-1, more, n)
			}
			size := at - int(first)
			sizes = append(sizes, size)
			c.measured(size, time.Duration(size)*rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Second}).Draw(t, "took"))
		}
		for k, size := range sizes {
			last := k == len(sizes)-1
			switch {
			case how.count > 0 && (len(sizes) != min(how.count, n) || size != n/len(sizes) && size != n/len(sizes)+1):
				t.Fatalf("%d items in %d chunks have sizes %v", n, how.count, sizes)
			case how.size > 0 && size != how.size && !last, how.size > 0 && size > how.size:
				t.Fatalf("chunks of %d have sizes %v", how.size, sizes)
			case how.most > 0 && (size > how.most || size < how.least && !last):
				t.Fatalf("chunks of %d to %d have sizes %v", how.least, how.most, sizes)
			case how == chunking{} && size != 1:
				t.Fatalf("sizes %v, want 1", sizes)
			}
		}
	})
}

// TestChunksAreHandedOutOnce when many take them at once.
func TestChunksAreHandedOutOnce(t *testing.T) {
	const n = 100_000
	for _, how := range []chunking{{}, {size: 7}, {count: 9_999}, {least: 1, most: 50}} {
		var c chunker
		c.init(how, n)
		seen := make([]bool, n)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					first, _, ok := c.claim()
					if !ok {
						return
					}
					i := first
					for seen[i] = true; !c.isLast(i); seen[i] = true {
						i++
					}
					c.measured(int(i-first)+1, time.Microsecond)
				}
			})
		}
		wg.Wait()
		for i := range seen {
			if !seen[i] {
				t.Fatalf("%+v: item %d was not handed out", how, i)
			}
		}
	}
}

// TestAdaptiveChunksFollowTheTime: they grow while items are short, to about a
// millisecond, and shrink at once.
func TestAdaptiveChunksFollowTheTime(t *testing.T) {
	var c chunker
	c.init(chunking{least: 1, most: 1_000}, 10_000_000)
	for _, step := range []struct {
		each  time.Duration // of the chunk before
		items int
	}{
		{0, 1}, {0, 2}, {0, 4}, {0, 8}, {50 * time.Microsecond, 16}, {50 * time.Microsecond, 20}, {time.Second, 20}, {time.Second, 1}, {0, 1}, {0, 2},
	} {
		if got := c.length(0); got != step.items {
			t.Fatalf("a chunk has %d items, want %d", got, step.items)
		}
		c.measured(step.items, time.Duration(step.items)*step.each)
	}
	for range 20 {
		c.measured(c.length(0), 0)
	}
	if got := c.length(0); got != 1_000 {
		t.Errorf("short items: a chunk has %d, want the most", got)
	}
}

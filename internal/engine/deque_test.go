package engine

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// TestDequeAgainstModel: the owner's end is a stack, the other end is a queue.
func TestDequeAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d deque
		var model []Item
		check := func(what string, got, want Item) {
			if got != want {
				t.Fatalf("%s took %d, want %d of %v", what, got, want, model)
			}
		}
		next := Item(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				// Often more than a ring holds, so that it grows while top is anywhere.
				for range rapid.IntRange(1, 2*firstRing).Draw(t, "items") {
					d.push(next)
					model = append(model, next)
					next++
				}
			},
			"pop": func(t *rapid.T) {
				for range rapid.IntRange(1, firstRing).Draw(t, "items") {
					want := None
					if n := len(model); n > 0 {
						want, model = model[n-1], model[:n-1]
					}
					check("pop", d.pop(), want)
				}
			},
			"steal": func(t *rapid.T) {
				for range rapid.IntRange(1, firstRing).Draw(t, "items") {
					want := None
					if len(model) > 0 {
						want, model = model[0], model[1:]
					}
					check("steal", d.steal(), want)
				}
			},
			"": func(t *rapid.T) {
				if d.size() != int64(len(model)) || d.empty() != (len(model) == 0) {
					t.Fatalf("size %d, empty %v; want %d items", d.size(), d.empty(), len(model))
				}
			},
		})
	})
}

// TestDequeHandsOutEveryItemOnce lets thieves and the owner race for few items
// at a time, where they meet at the last one, and for many, while the ring
// grows under the thieves.
func TestDequeHandsOutEveryItemOnce(t *testing.T) {
	within(t)
	const items = 50_000
	for _, burst := range []int{1, 2, 3, 1000} {
		var d deque
		var taken [items]atomic.Int32
		var over atomic.Bool
		var thieves sync.WaitGroup
		for range 3 {
			thieves.Go(func() {
				last := -1
				for {
					done := over.Load() // before the look: what was pushed until then is seen
					it := d.steal()
					switch {
					case it != None:
						taken[it].Add(1)
						if int(it) < last {
							t.Errorf("burst %d: a thief got %d after %d: the oldest goes first", burst, it, last)
						}
						last = int(it)
					case done:
						return
					default:
						runtime.Gosched()
					}
				}
			})
		}
		var popped []Item
		for next := 0; next < items; {
			for range min(burst, items-next) {
				d.push(Item(next))
				next++
			}
			for range burst {
				if it := d.pop(); it != None {
					taken[it].Add(1)
					popped = append(popped, it)
				}
			}
		}
		over.Store(true)
		thieves.Wait()
		for it := range taken {
			if n := taken[it].Load(); n != 1 {
				t.Fatalf("burst %d: item %d was taken %d times, every item is taken exactly once", burst, it, n)
			}
		}
		if slices.Contains(popped, None) || !d.empty() {
			t.Fatalf("burst %d: the deque is not empty after its last item", burst)
		}
	}
}

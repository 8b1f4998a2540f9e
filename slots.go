package runnel

import (
	"context"
	"sync"
)

// slots counts what a worker could begin.
type slots struct {
	mu   sync.Mutex
	free int
	more chan struct{} // some were given back
}

func newSlots(n int) *slots { return &slots{free: n, more: make(chan struct{}, 1)} }

// take waits for a slot and takes all that are free. ok is false when ctx ends
// first.
func (s *slots) take(ctx context.Context) (n int, ok bool) {
	for {
		s.mu.Lock()
		n, s.free = s.free, 0
		s.mu.Unlock()
		if n > 0 {
			return n, true
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return 0, false
		}
	}
}

func (s *slots) give(n int) {
	s.mu.Lock()
	s.free += n
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

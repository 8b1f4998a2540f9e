package runnel

import "math/bits"

// growing is a sequence that grows at its end and never moves what it has: who was
// told of a place can use it while others append.
type growing[T any] struct {
	chunks [27][]T // of 32, 64, 128 … places
	n      int32
}

const firstChunk = 5 // bits

// at is place i.
func (l *growing[T]) at(i int32) *T {
	from := uint32(i) + 1<<firstChunk
	k := bits.Len32(from) - 1
	return &l.chunks[k-firstChunk][from-1<<k]
}

// add appends n zero values, and returns the place of the first.
func (l *growing[T]) add(n int32) int32 {
	first := l.n
	l.n += n
	for k := range l.chunks {
		if size := uint32(1) << (k + firstChunk); l.chunks[k] == nil {
			if size-1<<firstChunk >= uint32(l.n) {
				break
			}
			l.chunks[k] = make([]T, size)
		}
	}
	return first
}

package runnel

import "sync"

// window bounds how many elements of a mapped task are under way. Elements that
// wait for nothing are not listed anywhere: a position goes through them.
type window struct {
	m    *mapRun
	size int
	fed  bool // elements become ready one by one
	end  int  // of the elements

	mu       sync.Mutex
	launched bool
	running  int
	position int     // the next element, unless fed
	waiting  []int32 // ready elements without a slot, first come first served
	again    []int32 // the same of elements that are tried again: they go first
}

// launch starts as many elements as there are slots.
func (v *window) launch() []int32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.launched = true
	var start []int32
	for v.running < v.size {
		e, ok := v.take()
		if !ok {
			break
		}
		start = append(start, e)
	}
	return start
}

// take gives the next element a slot. v.mu is held.
func (v *window) take() (int32, bool) {
	var e int32
	switch {
	case len(v.again) > 0:
		e, v.again = v.again[0], v.again[1:]
	case len(v.waiting) > 0:
		if e, v.waiting = v.waiting[0], v.waiting[1:]; len(v.waiting) == 0 {
			v.waiting = nil // let the array go with its last element
		}
	case !v.fed && v.position < v.end:
		e = int32(v.position)
		v.position++
	default:
		return 0, false
	}
	v.running++
	return e, true
}

// add lists elements that became ready before the launch.
func (v *window) add(ready []int32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting = append(v.waiting, ready...)
}

// admit gives slots to elements that became ready, and returns those that got
// one.
func (v *window) admit(ready []int32) []int32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	got := ready[:0]
	for _, e := range ready {
		if v.launched && v.running < v.size {
			v.running++
			got = append(got, e)
		} else {
			v.waiting = append(v.waiting, e)
		}
	}
	return got
}

// next frees the slot of an element and gives it to another.
func (v *window) next() (int32, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running--
	return v.take()
}

// readmit asks for a slot for an element that is tried again; without one it
// waits for the next to be free.
func (v *window) readmit(e int32) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running < v.size {
		v.running++
		return true
	}
	v.again = append(v.again, e)
	return false
}

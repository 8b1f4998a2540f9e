package runnel

import (
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// TestLogHasAllInOrder: writers at the same time, and readers who begin before them; stamps
// do not go back, what one writer writes stays in its order, and details are with their
// entries. The log that keeps nothing uses its chunks again.
func TestLogHasAllInOrder(t *testing.T) {
	const writers, each = 4, 5000
	for name, readers := range map[string]int{"for one reader": 1, "kept": 3} {
		t.Run(name, func(t *testing.T) {
			l := newEventLog(time.Now(), readers > 1)
			var reading, writing sync.WaitGroup
			for range readers {
				from := l.reader()
				reading.Go(func() {
					if err := readAll(from, writers, each); err != nil {
						t.Error(err)
					}
				})
			}
			for w := range writers {
				writing.Go(func() {
					for k := range each {
						var d *detail
						if k%3 == 0 {
							d = &detail{bytes: k}
						}
						seen := int64(0)
						at := l.add(entry{unit: unit{int32(w), int32(k)}}, d, func(at int64) { seen = at })
						if at == 0 || at != seen {
							t.Errorf("entry %d of writer %d has stamp %d, and was told %d", k, w, at, seen)
						}
					}
				})
			}
			writing.Wait()
			l.close()
			reading.Wait()
		})
	}
}

// readAll reads a log to its end, and says what is wrong with it.
func readAll(from *reader, writers, each int) error {
	next := make([]int, writers)
	latest := int64(0)
	for entries, details := from.read(); len(entries) > 0; entries, details = from.read() {
		for _, e := range entries {
			w, k := int(e.unit.node), int(e.unit.elem)
			switch {
			case e.at < latest:
				return fmt.Errorf("a stamp of %d comes after one of %d", e.at, latest)
			case next[w] != k:
				return fmt.Errorf("entry %d of writer %d comes when %d should", k, w, next[w])
			case (e.detail > 0) != (k%3 == 0):
				return fmt.Errorf("entry %d has detail %d", k, e.detail)
			case e.detail > 0 && details[e.detail-1].bytes != k:
				return fmt.Errorf("entry %d has the detail of %d", k, details[e.detail-1].bytes)
			}
			latest, next[w] = e.at, k+1
		}
	}
	for w, n := range next {
		if n != each {
			return fmt.Errorf("%d entries of writer %d, want %d", n, w, each)
		}
	}
	return nil
}

// TestWhatWritersShareIsOneCacheLine: of a log as it is made for a run, and no entry lies in
// two lines.
func TestWhatWritersShareIsOneCacheLine(t *testing.T) {
	const line = 64
	lineOf := func(p unsafe.Pointer) uintptr { return uintptr(p) / line }
	for range 100 {
		l := newEventLog(time.Now(), false)
		first, last := unsafe.Pointer(&l.mu), unsafe.Add(unsafe.Pointer(&l.asleep), unsafe.Sizeof(l.asleep)-1)
		if lineOf(first) != lineOf(last) || lineOf(unsafe.Pointer(&l.closed)) == lineOf(first) {
			t.Fatalf("from %p to %p, in a log at %p", first, last, l)
		}
		for k := range l.last.entries {
			e := &l.last.entries[k]
			if end := unsafe.Add(unsafe.Pointer(e), unsafe.Sizeof(*e)-1); lineOf(unsafe.Pointer(e)) != lineOf(end) {
				t.Fatalf("entry %d lies from %p to %p", k, e, end)
			}
		}
	}
}

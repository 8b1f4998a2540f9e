package schedule

import (
	"container/heap"
	"time"
)

// A wakeQueue has the entries that are to be looked at some time, the first in front.
type wakeQueue []*entry

func (q wakeQueue) Len() int           { return len(q) }
func (q wakeQueue) Less(i, k int) bool { return q[i].wake.Before(q[k].wake) }
func (q wakeQueue) Swap(i, k int) {
	q[i], q[k] = q[k], q[i]
	q[i].place, q[k].place = i, k
}

// Push implements heap.Interface.
func (q *wakeQueue) Push(e any) {
	e.(*entry).place = len(*q)
	*q = append(*q, e.(*entry))
}

// Pop implements heap.Interface.
func (q *wakeQueue) Pop() any {
	e := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	e.place = -1
	return e
}

// wakeAt sees to it that an entry is looked at when its time has come, zero for never.
// s.mu is held.
func (s *Scheduler) wakeAt(e *entry, at time.Time) {
	switch {
	case e.place >= 0 && at.IsZero():
		heap.Remove(&s.wakes, e.place)
	case e.place >= 0:
		e.wake = at
		heap.Fix(&s.wakes, e.place)
	case !at.IsZero():
		e.wake = at
		heap.Push(&s.wakes, e)
	}
	s.setTimer()
}

// setTimer sets the one timer there is to the first wake. s.mu is held.
func (s *Scheduler) setTimer() {
	if len(s.wakes) == 0 || s.ctx == nil || s.ctx.Err() != nil {
		return
	}
	at := s.wakes[0].wake
	if !s.timerAt.IsZero() && !at.Before(s.timerAt) {
		return // it rings before, and is set anew then
	}
	if s.timer != nil {
		s.timer()
	}
	s.timerAt = at
	now := s.clock.Now()
	s.timer = s.clock.AfterFunc(at.Sub(now), s.ring)
	if now.Before(at) && !s.clock.Now().Before(at) { // it has jumped meanwhile
		s.timer()
		s.timer = s.clock.AfterFunc(0, s.ring)
	}
}

// ring looks at the entries whose time has come.
func (s *Scheduler) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timerAt = time.Time{}
	for now := s.clock.Now(); len(s.wakes) > 0 && !s.wakes[0].wake.After(now); {
		s.kick(heap.Pop(&s.wakes).(*entry))
	}
	s.setTimer()
}

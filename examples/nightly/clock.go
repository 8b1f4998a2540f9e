package main

import (
	"slices"
	"sync"
	"time"
)

// jumping is a clock that stands still, and jumps when it is told to.
type jumping struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	at time.Time
	f  func()
}

// Now implements [schedule.Clock].
func (c *jumping) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements [schedule.Clock].
func (c *jumping) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c.now.Add(d), f}
	c.timers = append(c.timers, t)
	c.ring()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		before := len(c.timers)
		c.timers = slices.DeleteFunc(c.timers, func(o *timer) bool { return o == t })
		return len(c.timers) < before
	}
}

// jump moves the clock.
func (c *jumping) jump(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
	c.ring()
}

// ring calls what is due. c.mu is held.
func (c *jumping) ring() {
	c.timers = slices.DeleteFunc(c.timers, func(t *timer) bool {
		due := !t.at.After(c.now)
		if due {
			go t.f()
		}
		return due
	})
}

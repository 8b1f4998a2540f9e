package main

import (
	"sync"
	"time"
)

// jumping is a clock that goes on as any other, and jumps when it is told to.
type jumping struct {
	zone *time.Location

	mu     sync.Mutex
	ahead  time.Duration // of the machine's clock
	timers map[*timer]struct{}
}

type timer struct {
	at   time.Time
	call func()
	real *time.Timer
}

func newJumping(now time.Time) *jumping {
	return &jumping{zone: now.Location(), ahead: time.Until(now), timers: map[*timer]struct{}{}}
}

// Now implements [schedule.Clock].
func (c *jumping) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *jumping) now() time.Time { return time.Now().Add(c.ahead).Round(0).In(c.zone) }

// AfterFunc implements [schedule.Clock].
func (c *jumping) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: c.now().Add(d), call: f}
	t.real = time.AfterFunc(d, func() {
		if c.take(t) {
			f()
		}
	})
	c.timers[t] = struct{}{}
	return func() bool { return c.take(t) }
}

// take takes a timer out, unless it has rung or was stopped.
func (c *jumping) take(t *timer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.timers[t]
	delete(c.timers, t)
	t.real.Stop()
	return there
}

// jump moves the clock ahead.
func (c *jumping) jump(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += to.Sub(c.now())
	for t := range c.timers {
		if left := t.at.Sub(to); left > 0 {
			t.real.Reset(left)
			continue
		}
		delete(c.timers, t)
		t.real.Stop()
		go t.call()
	}
}

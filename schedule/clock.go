package schedule

import "time"

// A Clock is where a scheduler has the time from. It may jump, and has to go on by itself:
// the answers of the store are waited for by it, and asked for again later.
type Clock interface {
	// Now is the time.
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own when d has passed, unless stop is
	// called before. stop says whether it was.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// systemClock is that of the machine; in a bubble of testing/synctest, the bubble's.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

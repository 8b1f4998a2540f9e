package schedule

import "time"

// The cron library counts in wall-clock time: times whose zone is UTC, and which
// mean what a clock on the wall shows. They have no gaps and never repeat, so it
// never sees a change of the clocks.

// wallOf is what a clock in loc shows at t.
func wallOf(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instantOf is when a clock in loc first shows wall. When the clocks are put forward
// over it, that is the moment at which they are.
func instantOf(wall time.Time, loc *time.Location) time.Time {
	guess := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), loc)
	// A zone here is a stretch of time with one offset. The guess lies in that of the
	// answer or in one beside it.
	start, end := guess.ZoneBounds()
	found := time.Time{}
	try := func(t time.Time) {
		_, offset := t.In(loc).Zone()
		if at := wall.Add(-time.Duration(offset) * time.Second); wallOf(at, loc).Equal(wall) && (found.IsZero() || at.Before(found)) {
			found = at
		}
	}
	try(guess)
	if !start.IsZero() {
		try(start.Add(-1))
	}
	if !end.IsZero() {
		try(end)
	}
	switch {
	case !found.IsZero():
		return found.In(loc)
	case !start.IsZero() && wallOf(start.Add(-1), loc).Before(wall) && wall.Before(wallOf(start, loc)):
		return start
	}
	return end
}

// zoneEnd is when the clocks may be changed next after t, or zero. Where changes follow a
// rule, package time gives the end of the year for the last of its zones, and in a leap
// year it is a day early: it may be before t.
func zoneEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if end.IsZero() || end.After(t) {
		return end
	}
	return time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC).In(t.Location())
}

// after is the first fire time of the expression after t in loc, or zero.
func (c *cronSpec) after(t time.Time, loc *time.Location) time.Time {
	if c.hourly {
		return c.afterReal(t, loc)
	}
	for wall := wallOf(t, loc); ; {
		if wall = c.next(wall); wall.IsZero() {
			return time.Time{}
		}
		// Of the times that come twice, what follows t may be the second.
		if at := instantOf(wall, loc); at.After(t) {
			return at
		}
	}
}

// afterReal is after for an expression that matches every hour, and so is an
// interval: it goes through real time, and looks at what the clock shows there. An
// hour that comes twice has its fire times twice, and a gap has none.
func (c *cronSpec) afterReal(t time.Time, loc *time.Location) time.Time {
	for {
		wall := wallOf(t, loc)
		next := c.next(wall)
		if next.IsZero() {
			return next
		}
		at := t.Add(next.Sub(wall)).In(loc)
		end := zoneEnd(t.In(loc))
		if end.IsZero() || at.Before(end) {
			return at
		}
		// The clocks are changed before: go on from there.
		if now := wallOf(end, loc); c.next(now.Add(-1)).Equal(now) {
			return end.In(loc)
		}
		t = end
	}
}

package schedule

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// A timing is when a schedule fires.
type timing struct {
	text string    // says it, and tells it from others
	once time.Time // of At
	next func(after, anchor time.Time) time.Time
	own  bool // next is a function of the user
}

func cronTiming(text string, loc *time.Location) (timing, error) {
	if interval, ok := cutEvery(text); ok {
		d, err := time.ParseDuration(interval)
		if err != nil {
			return timing{}, fmt.Errorf("%q is no duration: write it as in @every 90s or @every 1h30m", interval)
		}
		return everyTiming(d)
	}
	spec, err := parseCron(text)
	if err != nil {
		return timing{}, err
	}
	return timing{
		text: fmt.Sprintf("cron %s in %s", spec.text, zoneText(loc)),
		next: func(after, _ time.Time) time.Time { return spec.after(after, loc) },
	}, nil
}

// cutEvery gives the interval of an expression that is one.
func cutEvery(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) < len(every) || !strings.EqualFold(text[:len(every)], every) {
		return "", false
	}
	return strings.TrimSpace(text[len(every):]), true
}

func everyTiming(d time.Duration) (timing, error) {
	if d < time.Millisecond {
		return timing{}, fmt.Errorf("the interval must be 1ms or more, got %v", d)
	}
	return timing{
		text: "every " + d.String(),
		next: func(after, anchor time.Time) time.Time {
			if after.Before(anchor) {
				return anchor
			}
			return anchor.Add((after.Sub(anchor)/d + 1) * d)
		},
	}, nil
}

func atTiming(at time.Time) timing {
	at = at.Round(0)
	return timing{
		text: "at " + at.UTC().Format(time.RFC3339Nano),
		once: at,
		next: func(after, _ time.Time) time.Time {
			if after.Before(at) {
				return at
			}
			return time.Time{}
		},
	}
}

func funcTiming(next func(after time.Time) time.Time, loc *time.Location) timing {
	return timing{text: "function in " + zoneText(loc), own: true, next: func(after, _ time.Time) time.Time { return next(after) }}
}

// fireTimes are those of a schedule: its timing between start and end.
type fireTimes struct {
	timing
	loc         *time.Location
	from, until time.Time
	jitter      time.Duration
	label       string
	anchor      time.Time
}

// after is the first fire time after t, or zero. The error is that of a function.
func (f *fireTimes) after(t time.Time) (next time.Time, err error) {
	if !f.from.IsZero() && t.Before(f.from) {
		t = f.from.Add(-1)
	}
	if f.own {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("the function that gives the next fire time panicked: %v", v)
			}
		}()
	}
	next = f.next(t.In(f.loc), f.anchor).Round(0)
	switch {
	case next.IsZero() || !f.until.IsZero() && next.After(f.until):
		return time.Time{}, nil
	case !next.After(t):
		return time.Time{}, fmt.Errorf("the fire time after %v is %v, which is not after it", t.In(f.loc), next.In(f.loc))
	}
	return next.In(f.loc), nil
}

// last is the last fire time up to limit, given one, first, that is not after it. It
// halves the time in between, and so does not go through all of them.
func (f *fireTimes) last(first, limit time.Time) (time.Time, error) {
	lo, hi := first, limit
	for {
		next, err := f.after(lo)
		if err != nil || next.IsZero() || next.After(limit) {
			return lo, err
		}
		middle, err := f.after(lo.Add(hi.Sub(lo) / 2))
		if err != nil {
			return lo, err
		}
		if middle.IsZero() || middle.After(limit) {
			lo, hi = next, lo.Add(hi.Sub(lo)/2)
		} else {
			lo = middle
		}
	}
}

// due is when a fire time is due: up to the jitter after it. It depends on the label
// and the time alone, so that every scheduler finds the same.
func (f *fireTimes) due(at time.Time) time.Time {
	if f.jitter <= 0 {
		return at
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s@%d", f.label, at.UnixNano())
	sum := h.Sum64()
	// The low bits of the hash are those of its last byte; mix the high ones in.
	sum ^= sum >> 32
	sum *= 0x9e3779b97f4a7c15
	sum ^= sum >> 29
	return at.Add(time.Duration(sum % uint64(f.jitter)))
}

// newest is the last of the fire times from first on that are due, first being due.
func (f *fireTimes) newest(first, now time.Time) (time.Time, error) {
	found := first
	if sure := now.Add(-f.jitter); !sure.Before(first) {
		var err error
		if found, err = f.last(first, sure); err != nil {
			return found, err
		}
	}
	for f.jitter > 0 {
		next, err := f.after(found)
		if err != nil || next.IsZero() || next.After(now) || f.due(next).After(now) {
			return found, err
		}
		found = next
	}
	return found, nil
}

package schedule

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestGraceCountsFromTheDueTime: which fire times of an outage are run, and which are let
// go, is decided by the due time of each, whatever a jitter makes of its neighbours.
func TestGraceCountsFromTheDueTime(t *testing.T) {
	begin := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	const every = 5 * time.Minute
	interval, err := everyTiming(every)
	if err != nil {
		t.Fatal(err)
	}
	ran, rescued := 0, 0 // rescued is run although a later fire time is let go
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 5))
		policy := []MissedPolicy{SkipMissed, RunOnce, RunAll}[r.IntN(3)]
		c := newConfig([]ScheduleOption{OnMissed(policy), Grace(time.Duration(1+r.IntN(40)) * time.Minute), Jitter(time.Duration(r.IntN(20)) * time.Minute), History(1000)})
		now := begin.Add(every + time.Duration(r.Int64N(int64(4*time.Hour))))
		turn := &turn{
			fireTimes: fireTimes{timing: interval, loc: time.UTC, jitter: c.jitter, label: string(rune('a' + r.IntN(20)))},
			config:    c, now: now, me: "me", lease: time.Minute, since: begin, fresh: true,
		}
		var runs []time.Time
		for more := true; more; {
			turn.changed = false
			if err := turn.decide(); err != nil {
				t.Fatal(err)
			}
			for _, f := range turn.state.Open {
				runs = append(runs, f.Time)
			}
			more, turn.state.Open = len(turn.state.Open) > 0, nil // they have come to their ends
		}
		var due []time.Time // those that can be dealt with: all before them are due, too
		for at := begin.Add(every); !turn.due(at).After(now); at = at.Add(every) {
			due = append(due, at)
		}
		var want []time.Time
		for _, at := range due {
			if now.Sub(turn.due(at)) <= c.grace {
				want = append(want, at)
			}
		}
		if policy != RunAll && len(want) > 1 {
			want = want[len(want)-1:]
		}
		if len(runs) != len(want) {
			t.Fatalf("seed %d, %v: ran %v, want %v", seed, policy, runs, want)
		}
		for i := range want {
			if !runs[i].Equal(want[i]) {
				t.Fatalf("seed %d, %v: ran %v, want %v", seed, policy, runs, want)
			}
		}
		if n := len(due); n > 0 && !turn.state.Done.Equal(due[n-1]) {
			t.Fatalf("seed %d, %v: dealt with those up to %v, want %v", seed, policy, turn.state.Done, due[n-1])
		}
		// Each that was not run is told of once.
		missed := 0
		for _, f := range turn.state.Ended {
			missed++
			if !f.Since.IsZero() {
				missed += int(f.Time.Sub(f.Since) / every)
			}
		}
		if missed+len(runs) != len(due) {
			t.Fatalf("seed %d, %v: of %d fire times %d were run and %d missed", seed, policy, len(due), len(runs), missed)
		}
		ran += len(runs)
		for k := 1; k < len(due); k++ {
			if now.Sub(turn.due(due[k])) > c.grace && now.Sub(turn.due(due[k-1])) <= c.grace {
				rescued++
			}
		}
	}
	if ran < 1000 || rescued < 100 {
		t.Errorf("%d were run, and %d although a later one was late: the test has lost its point", ran, rescued)
	}
}

//go:build unix

package natsbroker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// check looks at what a run came to.
func (c *chaos) check(r *running) {
	c.done[r.how]++
	if r.how == direct {
		id, said, _ := strings.Cut(string(r.proc.output), "\n")
		r.id, r.proc.output = id, []byte(said)
	}
	if !r.proc.cmd.ProcessState.Success() {
		c.t.Errorf("the process of run %s ended with %v", r.id, r.proc.cmd.ProcessState)
	}
	var o outcome
	if err := json.Unmarshal(r.proc.output, &o); err != nil {
		c.t.Errorf("run %s said %q: %v", r.id, r.proc.output, err)
		return
	}
	if o.Error != "" || o.Succeeded != o.Tasks {
		c.t.Errorf("run %s: %d of %d tasks succeeded, error %q", r.id, o.Succeeded, o.Tasks, o.Error)
	}
	if r.count == 0 {
		for name, value := range graphResult() {
			if o.Values[name] != value {
				c.t.Errorf("run %s: task %s made %q, want %q", r.id, name, o.Values[name], value)
				c.lost++
			}
		}
	} else {
		if o.Total != totalOf(r.count) || o.Squares != r.count || o.Halves != r.count {
			c.t.Errorf("run %s: %d squares, %d halves, the total %v; want %d of each, and %v", r.id, o.Squares, o.Halves, o.Total, r.count, totalOf(r.count))
		}
		c.lost += 2*r.count - o.Squares - o.Halves
	}
	c.checkLedger(r)
}

// checkLedger looks whether what was done is all there was to do, and whether something
// was done again long after it was known to be done.
func (c *chaos) checkLedger(r *running) {
	done := readLedger(c.t, c.ledger, r.id)
	want := entriesOf(r.id, r.count)
	for key, value := range want {
		if e := done[key]; e == nil || e.value != value {
			c.t.Errorf("run %s: the ledger has %+v under %s, want %s", r.id, e, key, value)
			c.lost++
		}
	}
	if len(done) != len(want) {
		c.t.Errorf("the ledger of run %s has %d keys, want %d", r.id, len(done), len(want))
	}
	recorded, err := c.recorded(r.id)
	if err != nil {
		c.t.Errorf("run %s: %v", r.id, err)
	}
	if r.how != direct && len(recorded) != len(want) {
		c.t.Errorf("run %s: %d results are recorded, want %d", r.id, len(recorded), len(want))
	}
	for key, e := range done {
		c.duplicates += len(e.at) - 1
		at, known := recorded[key]
		if late := slices.MaxFunc(e.at, time.Time.Compare).Sub(at); known && late > longestInFlight {
			c.t.Errorf("run %s: %s was done again %v after its result was recorded", r.id, key, late)
		}
	}
}

// longestInFlight is how long a job may be on its way to a worker, or with one that was
// stopped: so long after its result was recorded, by another one, it may be done again.
const longestInFlight = longestStall + 3*shortLease + 5*time.Second

// recorded is when the first result of each unit of a run was recorded, by its key.
func (c *chaos) recorded(run string) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	all := map[string]time.Time{}
	enough := errors.New("that was all")
	err := c.broker.follow(ctx, "runs", jetstream.OrderedConsumerConfig{FilterSubjects: []string{c.broker.names.doneOf(run)}, DeliverPolicy: jetstream.DeliverAllPolicy},
		func(msgs []jetstream.Msg) error {
			for _, m := range msgs {
				meta, err := m.Metadata()
				if err != nil {
					return err
				}
				results, err := c.broker.recordIn(m.Data())
				if err != nil {
					return err
				}
				for _, res := range results {
					key := run + "/" + res.Task
					if res.Element != broker.Whole {
						key += "[" + strconv.Itoa(res.Element) + "]"
					}
					if _, known := all[key]; !known && res.Failure == nil {
						all[key] = meta.Timestamp
					}
				}
			}
			return enough
		})
	if errors.Is(err, enough) {
		err = nil
	}
	return all, err
}

// drop drops what is kept of the runs, and sees that nothing is left.
func (c *chaos) drop() {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	dead, err := c.broker.subjects(ctx, "dead", ">")
	if err != nil || len(dead) > 0 {
		c.t.Errorf("%d jobs were given up, %v", len(dead), err)
	}
	for _, r := range c.runs {
		if r.how == direct {
			continue // nothing is kept of it
		}
		if err := c.broker.PurgeRun(ctx, r.id); err != nil {
			c.t.Errorf("run %s: %v", r.id, err)
		}
		if k, err := c.broker.state(ctx, r.id); err != nil || k.Change != "" {
			c.t.Errorf("run %s is kept though it was dropped: %v", r.id, err)
		}
	}
	c.awaitNothing(func(subject string) bool {
		return slices.ContainsFunc(c.runs, func(r *running) bool { return strings.Contains(subject, "."+r.id+".") })
	})
}

// awaitNothing waits until the server has nothing of some runs.
func (c *chaos) awaitNothing(of func(subject string) bool) {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	for {
		left := c.left(ctx, of)
		if left == "" {
			return
		}
		pause(ctx, shortLease/2)
		if ctx.Err() != nil {
			c.t.Errorf("left at the server: %s", left)
			return
		}
	}
}

// left is what the streams have of some runs, but for the marks of runs that were
// dropped, which go by themselves. What they have of runs that were dropped before is
// counted: a server that is killed may bring back messages that it had removed
// (github.com/nats-io/nats-server/pull/7384 tells how), and then nothing but their
// lifetime ends them.
func (c *chaos) left(ctx context.Context, of func(subject string) bool) string {
	var left []string
	c.revived, c.notes = 0, 0
	for _, name := range []string{"jobs", "got", "spent", "values", "dead", "runs", "kept"} {
		subjects, err := c.broker.subjects(ctx, name, ">")
		if err != nil {
			return err.Error()
		}
		for subject, n := range subjects {
			switch {
			case of(subject) && c.isBroughtBack(ctx, name, subject):
				c.revived++
			case of(subject) && name == "got" && c.isOfTheDead(ctx, subject):
				c.notes++
			case name == "runs" && strings.HasSuffix(subject, ".end") || name == "kept" && strings.HasSuffix(subject, ".state"):
			case name == "spent" || of(subject) || c.serverKills == 0:
				left = append(left, fmt.Sprintf("%s: %d of %s", name, n, subject))
			default:
				c.revived++
			}
		}
	}
	slices.Sort(left)
	if len(left) > 10 {
		left = append(left[:10], fmt.Sprintf("and %d more", len(left)-10))
	}
	return strings.Join(left, "; ")
}

// isOfTheDead reports whether the last delivery that is noted was to a worker that was
// killed: it would have removed what it noted behind the end of a run (end.go), and now
// nothing but its lifetime ends that.
func (c *chaos) isOfTheDead(ctx context.Context, subject string) bool {
	m, err := c.broker.last(ctx, "got", subject)
	if err != nil {
		return false
	}
	var d wireDelivered
	return cborIn.Unmarshal(m.Data, &d) == nil && !c.broker.isAlive(ctx, d.Worker)
}

// isBroughtBack reports whether a result, or a note of a delivery, is one that was removed
// when its run ended, and is there again since the server was killed after that. Direct
// runs end while it is.
func (c *chaos) isBroughtBack(ctx context.Context, stream, subject string) bool {
	parts := strings.Split(subject, ".")
	if stream != "runs" && stream != "got" || strings.HasSuffix(subject, ".end") || c.serverKills == 0 {
		return false
	}
	end, err := c.broker.last(ctx, "runs", c.broker.names.end(parts[2]))
	if isNotFound(err) {
		return stream == "runs" // that was more than a minute ago
	}
	result, err2 := c.broker.last(ctx, stream, subject)
	return err == nil && err2 == nil && result.Time.Before(end.Time)
}

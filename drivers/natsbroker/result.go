package natsbroker

import (
	"context"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// mostTogether is how many bytes of jobs, or of results, go in one message, unless a
// single one has more.
const mostTogether = 256 << 10

// outgoing is a result that was written.
type outgoing struct {
	id    string
	raw   cbor.RawMessage
	mixed bool // it is of another task than the first of its record
}

// record writes results of a parcel, those that are the first of their IDs. last is the
// place of the last record of the parcel that the caller knows of: each one expects to
// come right after the one before it, so of two who write at once one looks again. What
// came too late for a run of which nothing is kept is removed.
func (b *Broker) record(ctx context.Context, p *parcel, last uint64, results []*broker.Result) (first int, seq uint64, err error) {
	first, seq, late, err := b.write(ctx, p, last, results)
	if late && err == nil {
		err = b.removeLate(ctx, p.run)
	}
	return first, seq, err
}

// write is record, but whoever calls it is told that the results came too late, and
// removes what is left of the run.
func (b *Broker) write(ctx context.Context, p *parcel, last uint64, results []*broker.Result) (first int, seq uint64, late bool, err error) {
	if b.isGone(p.run) || len(results) == 0 {
		return 0, last, false, nil
	}
	left, err := b.resultsOut(ctx, p.run, results)
	if err != nil {
		return 0, last, false, err
	}
	subject, began := b.names.done(p), time.Now()
	for len(left) > 0 {
		n, data, err := recordOut(results[0], left)
		if err != nil {
			return first, last, false, err
		}
		err = b.waitForRoom(ctx, func(ctx context.Context) error {
			ack, err := b.js.Publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(last))
			if err == nil {
				last = ack.Sequence
			}
			return err
		})
		if isTaken(err) {
			// An answer may have been lost: then it is this record that is there.
			ids, now, mine, err := b.recorded(ctx, p, last, data)
			if err != nil {
				return first, last, false, err
			}
			if now == last { // it was purged meanwhile, or the record is not to be seen yet
				now = 0
				if err := b.pause(ctx, 10*time.Millisecond); err != nil {
					return first, last, false, err
				}
			}
			if last = now; mine {
				first += n
			}
			left = without(left, ids)
			continue
		}
		if err != nil {
			return first, last, false, err
		}
		first, left = first+n, left[n:]
	}
	late = !b.noteLate(p.run, last)
	if !late && (p.direct() || time.Since(began) > patience/5) {
		// Where that took long, the news of the run's end may do so too. Nothing is recorded
		// of a direct run but what seldom happens, and what its end may overtake.
		m, err := b.lastMark(ctx, p.run)
		if err != nil {
			return first, last, false, err
		}
		late = m != nil && m.Ended && !m.Keep
	}
	if late {
		first = 0
	}
	return first, last, late, nil
}

func isTaken(err error) bool { return is(err, "wrong last sequence") }

// without are the results that are not among some IDs.
func without(results []outgoing, ids map[string]bool) []outgoing {
	var left []outgoing
	for _, r := range results {
		if !ids[r.id] {
			left = append(left, r)
		}
	}
	return left
}

// recordOut writes as many results as go in one message, at least one.
func recordOut(like *broker.Result, results []outgoing) (n int, data []byte, err error) {
	w := &wireRecord{Version: wirePlain, Run: like.Run, Task: like.Task, Worker: like.Worker, Deliveries: like.Deliveries}
	for size := 0; n < len(results) && (n == 0 || size+len(results[n].raw) <= mostTogether); n++ {
		size += len(results[n].raw)
		if w.Results = append(w.Results, results[n].raw); results[n].mixed {
			w.Version = wireMixed
		}
	}
	data, err = cborOut.Marshal(w)
	return n, data, err
}

// resultsOut writes results. One that cannot be sent becomes a failure that says so.
func (b *Broker) resultsOut(ctx context.Context, run string, results []*broker.Result) ([]outgoing, error) {
	out := make([]outgoing, len(results))
	for k, r := range results {
		like := results[0].Task
		raw, err := b.resultOut(ctx, run, r, like)
		if err != nil && refused(err) {
			failed := *r
			failed.Outputs, failed.Skipped, failed.Failure = nil, "", &broker.Failure{Text: err.Error(), Permanent: true}
			raw, err = b.resultOut(ctx, run, &failed, like)
		}
		if err != nil {
			return nil, err
		}
		out[k] = outgoing{r.ID(), raw, r.Task != like}
	}
	return out, nil
}

// resultOut writes a result for a record of a task.
func (b *Broker) resultOut(ctx context.Context, run string, r *broker.Result, task string) ([]byte, error) {
	w := &wireResult{
		Element: r.Element, Attempt: r.Attempt, Round: r.Round, Fallback: r.Fallback,
		Skipped: cut(r.Skipped, maxText), Failure: failureOut(r.Failure), Took: int64(r.Took),
	}
	if r.Task != task {
		w.Task = r.Task
	}
	for k, v := range r.Outputs {
		out, err := b.valueOut(ctx, run, func() string { return fmt.Sprintf("output %d of task %q", k+1, r.Task) }, v)
		if err != nil {
			return nil, err
		}
		w.Outputs = append(w.Outputs, out)
	}
	data, err := cborOut.Marshal(w)
	if err != nil {
		return nil, err
	}
	if most := b.nc.MaxPayload() - 2048; int64(len(data)) > most {
		return nil, &tooLarge{fmt.Sprintf("the result of task %q", r.Task), int64(len(data)), most,
			"lower Inline, so that values are stored, or raise the server's max_payload"}
	}
	return data, nil
}

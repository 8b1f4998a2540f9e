package natsbroker

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// What stands on a run's mark.
const (
	markEnded = "ended" // and nothing is kept
	markKept  = "ended, kept"
	markBegun = "begun" // again
)

// markTime is how long the mark of a run of which nothing is kept stays, for
// workers that were cut off at its end.
func (b *Broker) markTime() time.Duration { return max(time.Minute, 2*b.config.lease) }

// End implements [broker.Broker].
func (b *Broker) End(ctx context.Context, run string, keep bool) error {
	text, opts := markKept, []jetstream.PublishOpt(nil)
	if !keep {
		text, opts = markEnded, append(opts, jetstream.WithMsgTTL(b.markTime()))
	}
	b.mark(token(run), text)
	err := b.waitForRoom(ctx, func(ctx context.Context) error {
		_, err := b.js.Publish(ctx, b.names.end(run), []byte(text), opts...)
		return err
	})
	if err != nil {
		return err
	}
	purge := map[string][]string{"jobs": {b.names.jobsOf(run)}, "got": {b.names.gotOf(run)}}
	if !keep {
		purge["runs"], purge["values"] = []string{b.names.doneOf(run)}, []string{b.names.valuesOf(run)}
	}
	for stream, subjects := range purge {
		for _, subject := range subjects {
			err := b.ride(ctx, func(ctx context.Context) error {
				return b.stream(stream).Purge(ctx, jetstream.WithPurgeSubject(subject))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// mark takes note of the end or the new beginning of a run.
func (b *Broker) mark(run, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text == markBegun {
		delete(b.ended, run)
		return
	}
	b.ended[run] = time.Now()
	delete(b.begun, run)
	for key := range b.stored {
		if text == markEnded && strings.HasPrefix(key, run+".") {
			delete(b.stored, key)
		}
	}
	for h := range b.held {
		if h.run == run {
			h.cancel(broker.ErrEnded)
		}
	}
	if len(b.ended) >= 1024 { // what is long over is gone from the queues too
		for run, at := range b.ended {
			if time.Since(at) > b.markTime() {
				delete(b.ended, run)
			}
		}
	}
}

func (b *Broker) hasEnded(run string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ended := b.ended[token(run)]
	return ended
}

// recorded are the jobs of a run that had a result when this broker first had jobs
// of it, by the ends of their subjects.
type recorded map[string]bool

// begin takes up a run: if it had ended, it begins again, and what was recorded
// before is not done twice.
func (b *Broker) begin(ctx context.Context, run string) (recorded, error) {
	b.mu.Lock()
	known, begun := b.begun[token(run)]
	b.mu.Unlock()
	if begun {
		return known, nil
	}
	ended := false
	subjects, err := b.subjects(ctx, "runs", b.names.run(run))
	if err != nil {
		return nil, err
	}
	known = recorded{}
	for subject := range subjects {
		known[subject[strings.LastIndexByte(subject, '.')+1:]] = true
	}
	err = b.ride(ctx, func(ctx context.Context) error {
		if !known["end"] {
			return nil
		}
		m, err := b.stream("runs").GetLastMsgForSubject(ctx, b.names.end(run))
		ended = err == nil && string(m.Data) != markBegun
		if isNotFound(err) {
			return nil
		}
		return err
	})
	if err == nil && ended {
		err = b.waitForRoom(ctx, func(ctx context.Context) error {
			_, err := b.js.Publish(ctx, b.names.end(run), []byte(markBegun))
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.begun[token(run)] = known
	delete(b.ended, token(run))
	b.mu.Unlock()
	return known, nil
}

// watchEnds takes note of the ends of runs, whoever ends them.
func (b *Broker) watchEnds() {
	first := len(b.names.ns) + len(".run.")
	for b.ctx.Err() == nil {
		_ = b.follow(b.ctx, "runs", jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.names.ends()}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy}, 0,
			func(msgs []jetstream.Msg) error {
				for _, m := range msgs {
					b.mark(strings.TrimSuffix(m.Subject()[first:], ".end"), string(m.Data()))
				}
				return nil
			})
	}
}

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
	b.ended[run] = endMark{keep: text == markKept, at: time.Now()}
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
		for run, e := range b.ended {
			if time.Since(e.at) > b.markTime() {
				delete(b.ended, run)
			}
		}
	}
}

// endMark is what is known of the end of a run.
type endMark struct {
	keep bool
	at   time.Time
}

func (b *Broker) hasEnded(run string) (keep, ended bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ended := b.ended[token(run)]
	return e.keep, ended
}

// begin takes up the runs of jobs that this broker has not had jobs of: if they had
// ended, they begin again.
func (b *Broker) begin(ctx context.Context, jobs []*broker.Job) error {
	for _, j := range jobs {
		run := token(j.Run)
		b.mu.Lock()
		begun := b.begun[run]
		b.mu.Unlock()
		if begun {
			continue
		}
		ended := false
		err := b.ride(ctx, func(ctx context.Context) error {
			m, err := b.stream("runs").GetLastMsgForSubject(ctx, b.names.end(j.Run))
			ended = err == nil && string(m.Data) != markBegun
			if isNotFound(err) {
				return nil
			}
			return err
		})
		if err == nil && ended {
			err = b.waitForRoom(ctx, func(ctx context.Context) error {
				_, err := b.js.Publish(ctx, b.names.end(j.Run), []byte(markBegun))
				return err
			})
		}
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.begun[run] = true
		delete(b.ended, run)
		b.mu.Unlock()
	}
	return nil
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

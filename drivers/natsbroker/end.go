package natsbroker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// mark is the state of a run that has ended, or begun again.
type mark struct {
	Ended bool   `cbor:"0,keyasint"`
	Keep  bool   `cbor:"1,keyasint"`
	Cause string `cbor:"2,keyasint,omitempty"`

	at time.Time
}

// cause is what the contexts of the run's jobs end with.
func (m *mark) cause() error {
	if m.Cause == "" {
		return broker.ErrEnded
	}
	return errors.New(m.Cause)
}

// markTime is how long the mark of a run of which nothing is kept stays, for
// workers that were cut off at its end.
func (b *Broker) markTime() time.Duration { return max(time.Minute, 2*b.config.lease) }

// End implements [broker.Broker]. A cause travels as its text.
func (b *Broker) End(ctx context.Context, run string, e broker.End) ([]string, error) {
	m := &mark{Ended: true, Keep: e.Keep}
	if e.Cause != nil {
		m.Cause = cut(e.Cause.Error(), maxText)
	}
	var held []holder
	if e.Keep {
		var err error
		if held, err = b.holders(ctx, run); err != nil {
			return nil, err
		}
	}
	seq, err := b.putMark(ctx, run, m)
	if err != nil {
		return nil, err
	}
	b.marked(token(run), m)
	if err := b.awaitFollowers(ctx, run, seq); err != nil {
		return nil, err
	}
	purge := [][2]string{{"jobs", b.names.jobsOf(run)}, {"got", b.names.gotOf(run)}}
	if !e.Keep {
		purge = append(purge, [2]string{"runs", b.names.doneOf(run)}, [2]string{"runs", b.names.stoppedOf(run)}, [2]string{"values", b.names.valuesOf(run)})
	}
	for _, p := range purge {
		err := b.ride(ctx, func(ctx context.Context) error {
			return b.stream(p[0]).Purge(ctx, jetstream.WithPurgeSubject(p[1]))
		})
		if err != nil {
			return nil, err
		}
	}
	ids := make([]string, len(held))
	for k := range held {
		ids[k] = held[k].job.ID()
	}
	b.expect(run, held)
	return ids, nil
}

// putMark writes the mark of a run, and returns its place in the stream.
func (b *Broker) putMark(ctx context.Context, run string, m *mark) (seq uint64, err error) {
	data, err := cborOut.Marshal(m)
	if err != nil {
		return 0, err
	}
	var opts []jetstream.PublishOpt
	if !m.Keep {
		opts = append(opts, jetstream.WithMsgTTL(b.markTime()))
	}
	err = b.waitForRoom(ctx, func(ctx context.Context) error {
		ack, err := b.js.Publish(ctx, b.names.end(run), data, opts...)
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}

// marked takes note of the end or the new beginning of a run, given by its token.
func (b *Broker) marked(run string, m *mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !m.Ended {
		delete(b.ended, run)
		return
	}
	m.at = time.Now()
	b.ended[run] = m
	delete(b.begun, run)
	for key := range b.stored {
		if !m.Keep && strings.HasPrefix(key, run+".") {
			delete(b.stored, key)
		}
	}
	for h := range b.held {
		if h.run == run {
			h.cancel(m.cause())
		}
	}
	if len(b.ended) >= 1024 { // what is long over is gone from the queues too
		for run, m := range b.ended {
			if time.Since(m.at) > b.markTime() {
				delete(b.ended, run)
			}
		}
	}
}

// hasEnded is the mark of a run that has ended, or nil.
func (b *Broker) hasEnded(run string) *mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended[token(run)]
}

// isGone reports whether nothing is kept of a run any more.
func (b *Broker) isGone(run string) bool {
	m := b.hasEnded(run)
	return m != nil && !m.Keep
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
		if subject == b.names.end(run) || strings.HasPrefix(subject, strings.TrimSuffix(b.names.doneOf(run), "*")) {
			known[lastPart(subject)] = true
		}
	}
	err = b.ride(ctx, func(ctx context.Context) error {
		if !known["end"] {
			return nil
		}
		raw, err := b.stream("runs").GetLastMsgForSubject(ctx, b.names.end(run))
		if isNotFound(err) {
			return nil
		}
		if err == nil {
			var m mark
			err = cborIn.Unmarshal(raw.Data, &m)
			ended = m.Ended
		}
		return err
	})
	if err == nil && ended {
		_, err = b.putMark(ctx, run, &mark{})
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
				for _, msg := range msgs {
					var m mark
					if cborIn.Unmarshal(msg.Data(), &m) == nil { // else of another version
						b.marked(strings.TrimSuffix(msg.Subject()[first:], ".end"), &m)
					}
				}
				return nil
			})
	}
}

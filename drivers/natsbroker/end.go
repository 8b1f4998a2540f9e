package natsbroker

import (
	"context"
	"errors"
	"fmt"
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
	Late  bool   `cbor:"3,keyasint,omitempty"` // the cause is a deadline
	// Silent says that others have ended the run, since nobody answered for it.
	Silent bool `cbor:"4,keyasint,omitempty"`

	at time.Time
}

// cause is what the contexts of the run's jobs end with.
func (m *mark) cause() error {
	if m.Cause == "" {
		return broker.ErrEnded
	}
	if m.Late {
		return &late{m.Cause}
	}
	return errors.New(m.Cause)
}

// silent is the error of a run that others have ended, since nobody answered for it.
func silent(run string, data []byte) error {
	var m mark
	if cborIn.Unmarshal(data, &m) == nil && m.Ended && m.Silent {
		return fmt.Errorf("natsbroker: run %q was ended by a worker: %s", run, m.Cause)
	}
	return nil
}

// late is the cause of the end of a run that has had its time.
type late struct{ text string }

func (e *late) Error() string        { return e.text }
func (e *late) Is(target error) bool { return target == context.DeadlineExceeded }

// markTime is how long the mark of a run of which nothing is kept stays, for
// workers that were cut off at its end.
func (b *Broker) markTime() time.Duration { return max(time.Minute, 2*b.config.lease) }

// End implements [broker.Broker]. A cause travels as its text,
// and whether it is context.DeadlineExceeded.
func (b *Broker) End(ctx context.Context, run string, e broker.End) ([]string, error) {
	m := &mark{Ended: true, Keep: e.Keep}
	if e.Cause != nil {
		m.Cause, m.Late = cut(e.Cause.Error(), maxText), errors.Is(e.Cause, context.DeadlineExceeded)
	}
	var held []holder
	if e.Keep {
		var err error
		if held, err = b.holders(ctx, run); err != nil {
			return nil, err
		}
	}
	return b.end(ctx, run, m, held)
}

// end writes the mark of a run, and removes what is not to stay. It returns the IDs of
// the jobs that holders have.
func (b *Broker) end(ctx context.Context, run string, m *mark, held []holder) ([]string, error) {
	seq, err := b.putMark(ctx, run, m)
	if err != nil {
		return nil, err
	}
	b.marked(token(run), m, seq)
	if err := b.awaitFollowers(ctx, run, seq); err != nil {
		return nil, err
	}
	purge := [][2]string{{"jobs", b.names.jobsOf(run)}, {"got", b.names.gotOf(run)}}
	if !m.Keep {
		b.mu.Lock()
		b.closeInbox(token(run))
		b.mu.Unlock()
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
	var ids []string
	for _, h := range held {
		for _, j := range h.rest {
			ids = append(ids, j.ID())
		}
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
	if !m.Keep && !m.Silent { // of its death a process may hear late
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

// marked takes note of the end or the new beginning of a run, given by its token, and the
// place of its mark. What this process recorded behind the mark of a run that is not kept
// came too late for the one who cleans up.
func (b *Broker) marked(run string, m *mark, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !m.Ended {
		delete(b.ended, run)
		return
	}
	m.at = time.Now()
	b.ended[run] = m
	delete(b.begun, run)
	delete(b.sent, run)
	delete(b.silent, run)
	delete(b.stored, run)
	if !m.Keep {
		if last := b.late[run]; last.seq > seq && b.ctx.Err() == nil {
			b.wait.Go(func() { _ = b.removeLate(b.ctx, last.run) }) // else their lifetime ends them
		}
		delete(b.late, run)
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

// known are the jobs of a run that were queued or had a result when this broker first
// had jobs of it, by the ends of their subjects; and "end" if the run had a mark.
type known map[string]bool

// begin takes up a run: if it had ended, it begins again, and what was recorded
// before, or is queued still, is not done twice.
func (b *Broker) begin(ctx context.Context, run string) (known, error) {
	b.mu.Lock()
	there, begun := b.begun[token(run)]
	b.mu.Unlock()
	if begun {
		return there, nil
	}
	var last *mark
	there, err := b.whatIsThere(ctx, run)
	if err == nil && there["end"] {
		last, err = b.lastMark(ctx, run)
	}
	if err == nil && last != nil && last.Ended {
		_, err = b.putMark(ctx, run, &mark{})
	}
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.begun[token(run)] = there
	delete(b.ended, token(run))
	b.mu.Unlock()
	return there, nil
}

// whatIsThere finds the jobs of a run that need not be queued. What moves from the queue
// to the results meanwhile is found there, since these are looked at last.
func (b *Broker) whatIsThere(ctx context.Context, run string) (known, error) {
	there := known{}
	queued, err := b.subjects(ctx, "jobs", b.names.jobsOf(run))
	if err != nil {
		return nil, err
	}
	for subject := range queued {
		t, _, _ := strings.Cut(lastPart(subject), "-#")
		if !isMany(t) {
			there[t] = true
			continue
		}
		p, _, err := b.queued(ctx, subject)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		for _, j := range p.jobs {
			there[unit(j.ID())] = true
		}
	}
	done, err := b.subjects(ctx, "runs", b.names.run(run))
	if err != nil {
		return nil, err
	}
	for subject := range done {
		t := lastPart(subject)
		switch {
		case subject != b.names.end(run) && !strings.HasPrefix(subject, strings.TrimSuffix(b.names.doneOf(run), "*")):
		case !isMany(t):
			there[t] = true
		default:
			ids, _, _, err := b.recorded(ctx, &parcel{run: run, token: t}, 0, nil)
			if err != nil {
				return nil, err
			}
			for id := range ids {
				there[unit(id)] = true
			}
		}
	}
	return there, nil
}

// lastMark is the last mark of a run, nil if there is none.
func (b *Broker) lastMark(ctx context.Context, run string) (*mark, error) {
	raw, err := b.last(ctx, "runs", b.names.end(run))
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m mark
	err = cborIn.Unmarshal(raw.Data, &m)
	return &m, err
}

// hasBegunAgain asks the server about a run that is known here to have ended.
func (b *Broker) hasBegunAgain(ctx context.Context, run string) (bool, error) {
	m, err := b.lastMark(ctx, run)
	return m != nil && !m.Ended, err
}

// watchEnds takes note of the ends of runs, whoever ends them.
func (b *Broker) watchEnds() {
	first := len(b.names.ns) + len(".run.")
	for b.ctx.Err() == nil {
		_ = b.follow(b.ctx, "runs", jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.names.ends()}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy},
			func(msgs []jetstream.Msg) error {
				for _, msg := range msgs {
					var m mark
					if cborIn.Unmarshal(msg.Data(), &m) == nil { // else of another version
						meta, err := msg.Metadata()
						if err != nil {
							return err
						}
						b.marked(strings.TrimSuffix(msg.Subject()[first:], ".end"), &m, meta.Sequence.Stream)
					}
				}
				return nil
			})
	}
}

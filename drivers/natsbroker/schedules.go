package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/runnelflow/runnel/schedule"
)

// The state of a schedule is one message, below a subject that names its label, and its
// revision is the place of the message in the stream. Whoever writes the next one
// expects that place to be the last: of several at once one succeeds. A removed schedule
// leaves a mark for a lifetime, so that its removal has a revision too.

// schedules are the states of schedules in the namespace of a broker.
type schedules struct{ b *Broker }

// Schedules is a store of schedules in the namespace, for [schedule.WithStore] and
// [schedule.NewOperator]. Schedulers in any process that have it from a broker of the
// namespace share their schedules. A state may have as many bytes as a message of the
// server, by default 1 MiB.
func (b *Broker) Schedules() schedule.Store { return schedules{b} }

// wireSchedule is the state of a schedule, or the mark of its removal.
type wireSchedule struct {
	Version int             `cbor:"0,keyasint"`
	Removed bool            `cbor:"1,keyasint,omitempty"`
	State   *schedule.State `cbor:"2,keyasint,omitempty"`
}

// scheduleIn reads a message. A mark has no state, and no error.
func scheduleIn(data []byte) (*schedule.State, error) {
	var w wireSchedule
	// A newer version may have other fields: that it is one is the better thing to say.
	err := cborIn.Unmarshal(data, &w)
	switch newer := version(w.Version); {
	case newer != nil:
		return nil, newer
	case err != nil:
		return nil, fmt.Errorf("a message is no state of a schedule: %w", err)
	case w.Removed:
		return nil, nil
	case w.State == nil:
		return nil, errors.New("a message is no state of a schedule: it has none")
	}
	return w.State, nil
}

// isRemoval reports whether a message is the mark of a removal.
func isRemoval(data []byte) bool {
	state, err := scheduleIn(data)
	return state == nil && err == nil
}

// Save implements [schedule.Store].
func (s schedules) Save(ctx context.Context, label string, state *schedule.State, revision uint64) (uint64, error) {
	data, err := cborOut.Marshal(&wireSchedule{Version: wirePlain, State: state})
	if err != nil {
		return 0, fmt.Errorf("natsbroker: the state of schedule %q cannot be encoded: %w", label, err)
	}
	if most := s.b.nc.MaxPayload() - 1024; int64(len(data)) > most {
		return 0, fmt.Errorf("natsbroker: %w", &tooLarge{fmt.Sprintf("the state of schedule %q, with %d open and %d ended fires,", label, len(state.Open), len(state.Ended)),
			int64(len(data)), most, "keep fewer ended ones by the option History, have fewer runs beside each other, or raise the server's max_payload"})
	}
	b, subject, id := s.b, s.b.names.schedule(label), nuid.Next()
	for expected := revision; ; {
		var ack *jetstream.PubAck
		tries := 0
		err := b.waitForRoom(ctx, func(ctx context.Context) (err error) {
			tries++
			ack, err = b.js.Publish(ctx, subject, data, jetstream.WithMsgID(id), jetstream.WithExpectLastSequencePerSubject(expected))
			return err
		})
		if err == nil {
			return ack.Sequence, nil
		}
		if !isTaken(err) {
			return 0, err
		}
		last, err := b.last(ctx, "schedules", subject)
		switch {
		case isNotFound(err) && revision == 0:
			expected = 0
		case isNotFound(err):
			return 0, schedule.ErrConflict
		case err != nil:
			return 0, err
		case tries > 1 && last.Header.Get(jetstream.MsgIDHeader) == id: // only the answer was lost
			return last.Sequence, nil
		case revision == 0 && isRemoval(last.Data):
			expected = last.Sequence
		default:
			return 0, schedule.ErrConflict
		}
	}
}

// Remove implements [schedule.Store].
func (s schedules) Remove(ctx context.Context, label string) error {
	mark, err := cborOut.Marshal(&wireSchedule{Version: wirePlain, Removed: true})
	if err != nil {
		return err
	}
	b, subject := s.b, s.b.names.schedule(label)
	for {
		last, err := b.last(ctx, "schedules", subject)
		if isNotFound(err) || err == nil && isRemoval(last.Data) {
			return nil
		}
		if err != nil {
			return err
		}
		err = b.waitForRoom(ctx, func(ctx context.Context) error {
			_, err := b.js.Publish(ctx, subject, mark, jetstream.WithExpectLastSequencePerSubject(last.Sequence), jetstream.WithMsgTTL(max(b.config.lifetime, time.Second)))
			return err
		})
		if !isTaken(err) {
			return err
		}
	}
}

// Watch implements [schedule.Store].
func (s schedules) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	told := false
	c := jetstream.OrderedConsumerConfig{FilterSubjects: []string{s.b.names.all("schedule")}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy}
	return s.b.follow(ctx, "schedules", c, func(msgs []jetstream.Msg) error {
		changes, err := s.changes(msgs)
		if err != nil {
			return err
		}
		if !told {
			changes = slices.DeleteFunc(changes, func(c schedule.Change) bool { return c.State == nil && c.Err == nil })
		}
		if len(changes) > 0 || !told {
			told = true
			deliver(changes)
		}
		return nil
	})
}

// changes are what messages tell, the last of each label.
func (s schedules) changes(msgs []jetstream.Msg) ([]schedule.Change, error) {
	var changes []schedule.Change
	seen := map[string]bool{}
	for _, m := range slices.Backward(msgs) {
		if seen[m.Subject()] {
			continue
		}
		seen[m.Subject()] = true
		label, ok := labelOf(m.Subject())
		if !ok {
			continue // not written by any version of this
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		c := schedule.Change{Label: label, Revision: meta.Sequence.Stream}
		c.State, c.Err = scheduleIn(m.Data())
		changes = append(changes, c)
	}
	slices.Reverse(changes)
	return changes, nil
}

package natsbroker

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// note writes down that a job was delivered, or released. Nobody waits for it to
// be stored: a delivery that is not in the story counts for less, and the server's
// own count bounds how often that can be.
func (b *Broker) note(j *broker.Job, worker string, released bool) error {
	data, err := cborOut.Marshal(wireDelivered{Worker: worker, At: time.Now(), Released: released})
	if err != nil {
		return err
	}
	return b.nc.Publish(b.names.got(j.Run, j.ID()), data)
}

// story is every delivery of a job that counts: those that were not released.
func (b *Broker) story(ctx context.Context, j *broker.Job) ([]wireDelivered, error) {
	var story []wireDelivered
	subject := b.names.got(j.Run, j.ID())
	for seq := uint64(1); ; {
		var m *jetstream.RawStreamMsg
		err := b.ride(ctx, func(ctx context.Context) (err error) {
			m, err = b.stream("got").GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
			return err
		})
		if isNotFound(err) {
			return story, nil
		}
		if err != nil {
			return nil, err
		}
		var d wireDelivered
		if err := cborIn.Unmarshal(m.Data, &d); err != nil {
			return nil, err
		}
		switch {
		case !d.Released:
			story = append(story, d)
		default:
			story = withoutLast(story, d.Worker)
		}
		seq = m.Sequence + 1
	}
}

// withoutLast is a story without the last delivery to a worker.
func withoutLast(story []wireDelivered, worker string) []wireDelivered {
	for i := len(story) - 1; i >= 0; i-- {
		if story[i].Worker == worker {
			return append(story[:i], story[i+1:]...)
		}
	}
	return story
}

// giveUp ends a job that was delivered too often: it is kept as a dead letter, and
// its result is a failure that tells the story.
func (b *Broker) giveUp(ctx context.Context, j *broker.Job, message []byte, story []wireDelivered) error {
	var w wireJob
	if err := cborIn.Unmarshal(message, &w); err != nil {
		return err
	}
	dead := wireDead{Version: wireVersion, Job: &w, At: time.Now(), Story: story}
	data, err := cborOut.Marshal(dead)
	if err != nil {
		return err
	}
	err = b.waitForRoom(ctx, func(ctx context.Context) error {
		_, err := b.js.Publish(ctx, b.names.dead(j.Run, j.ID()), data)
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.record(ctx, j.Run, b.deadLetter(&dead).Result())
	return err
}

func (b *Broker) deadLetter(w *wireDead) *broker.DeadLetter {
	l := &broker.DeadLetter{Job: b.jobOf(w.Job), At: w.At}
	for _, d := range w.Story {
		l.Story = append(l.Story, broker.Delivered{Worker: d.Worker, At: d.At})
	}
	return l
}

// Dead implements [broker.DeadLetterer].
func (b *Broker) Dead(ctx context.Context) ([]*broker.DeadLetter, error) {
	var letters []*broker.DeadLetter
	for seq := uint64(1); ; {
		var m *jetstream.RawStreamMsg
		err := b.ride(ctx, func(ctx context.Context) (err error) {
			m, err = b.stream("dead").GetMsg(ctx, seq, jetstream.WithGetMsgSubject(b.names.all("dead")))
			return err
		})
		if isNotFound(err) {
			return letters, nil
		}
		if err != nil {
			return letters, err
		}
		var w wireDead
		if err := cborIn.Unmarshal(m.Data, &w); err != nil {
			return letters, err
		}
		if err := version(w.Version); err != nil {
			return letters, err
		}
		letters = append(letters, b.deadLetter(&w))
		seq = m.Sequence + 1
	}
}

package natsbroker

import (
	"context"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// note writes down that a parcel was delivered. Nobody waits for it to be stored: a
// delivery that is not in the story counts for less, and the server's own count bounds
// how often that can be.
func (b *Broker) note(p *parcel, worker string) error {
	data, err := cborOut.Marshal(wireDelivered{Worker: worker, At: time.Now()})
	if err != nil {
		return err
	}
	return b.because(sent(b.nc.Publish(b.names.got(p), data)))
}

// noteReleased writes down that a parcel was given back. It is stored before the parcel
// is: whoever gets it next would take it for that of a worker that died.
func (b *Broker) noteReleased(ctx context.Context, p *parcel, worker string) error {
	data, err := cborOut.Marshal(wireDelivered{Worker: worker, At: time.Now(), Released: true})
	if err != nil {
		return err
	}
	_, err = b.js.Publish(ctx, b.names.got(p), data)
	return err
}

// story is every delivery of a parcel that counts: those that were not released. The
// first one may be known only by those that came after it.
func (b *Broker) story(ctx context.Context, p *parcel) (story []wireDelivered, err error) {
	if !b.isNoted(p) {
		story = append(story, wireDelivered{})
	}
	err = b.each(ctx, "got", b.names.got(p), 1, func(_ uint64, data []byte) error {
		var d wireDelivered
		if err := cborIn.Unmarshal(data, &d); err != nil {
			return err
		}
		if d.Released {
			story = withoutLast(story, d.Worker)
		} else {
			story = append(story, d)
		}
		return nil
	})
	return story, err
}

// withoutLast is a story without the last delivery to a worker, which may be the first
// one, of which nothing else is known.
func withoutLast(story []wireDelivered, worker string) []wireDelivered {
	for i := len(story) - 1; i >= 0; i-- {
		if story[i].Worker == worker || story[i].Worker == "" {
			return append(story[:i], story[i+1:]...)
		}
	}
	return story
}

// giveUp ends a job that was delivered too often: it is kept as a dead letter, and
// its result is a failure that tells the story.
func (b *Broker) giveUp(ctx context.Context, j *broker.Job, story []wireDelivered) error {
	p, err := b.open(ctx, j) // with the values as they came
	if err != nil {
		return err
	}
	dead := wireDead{Version: wirePlain, Job: p.first, At: time.Now(), Story: story}
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
	_, _, err = b.record(ctx, newParcel(broker.Batch{j}), 0, []*broker.Result{b.deadLetter(&dead).Result()})
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
	err := b.each(ctx, "dead", b.names.all("dead"), 1, func(_ uint64, data []byte) error {
		var w wireDead
		if err := cborIn.Unmarshal(data, &w); err != nil {
			return err
		}
		letters = append(letters, b.deadLetter(&w))
		return version(w.Version)
	})
	return letters, err
}

package natsbroker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// When a run is stopped, some of its jobs are with workers. What these still finish
// is recorded. For the others comes a result of kind Stopped, which is not: it goes
// through the stream of results, under a subject of its own that is gone soon after.

// holder is the jobs of a parcel that a worker has not finished, and the worker.
type holder struct {
	parcel *parcel
	rest   broker.Batch
	worker string
}

// holders are the parcels of a run that live workers have.
func (b *Broker) holders(ctx context.Context, run string) ([]holder, error) {
	delivered, err := b.subjects(ctx, "got", b.names.gotOf(run))
	if err != nil {
		return nil, err
	}
	queued, err := b.subjects(ctx, "jobs", b.names.jobsOf(run))
	if err != nil {
		return nil, err
	}
	var held []holder
	for subject := range queued {
		id, _, _ := strings.Cut(lastPart(subject), "-#")
		if delivered[b.names.gotUnit(run, id)] == 0 {
			continue
		}
		p, _, err := b.queued(ctx, subject)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		story, err := b.story(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(story) == 0 || !b.isAlive(ctx, story[len(story)-1].Worker) {
			continue
		}
		done, _, _, err := b.recorded(ctx, p, 0, nil)
		if err != nil {
			return nil, err
		}
		if rest := p.without(done); len(rest) > 0 {
			held = append(held, holder{p, rest, story[len(story)-1].Worker})
		}
	}
	return held, nil
}

// queued is the parcel of a subject of the queue and its place there, nil when it is
// not there any more, or is none.
func (b *Broker) queued(ctx context.Context, subject string) (*parcel, uint64, error) {
	var m *jetstream.RawStreamMsg
	err := b.ride(ctx, func(ctx context.Context) (err error) {
		m, err = b.stream("jobs").GetLastMsgForSubject(ctx, subject)
		return err
	})
	if isNotFound(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	p, _ := b.parcelIn(m.Data)
	return p, m.Sequence, nil
}

func lastPart(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// expect sees to it that each job that workers had at the end of a run has a
// result, also when its worker dies.
func (b *Broker) expect(run string, held []holder) {
	if len(held) == 0 {
		return
	}
	b.wait.Go(func() {
		for len(held) > 0 && b.pause(b.ctx, b.config.lease/2) == nil {
			if m := b.hasEnded(run); m == nil || !m.Keep {
				return // it has begun again, or nobody waits any more
			}
			held = slices.DeleteFunc(held, func(h holder) bool { return b.isSettled(b.ctx, h) })
		}
	})
}

// isSettled reports whether the jobs of a holder have results. Those of a dead worker get
// them.
func (b *Broker) isSettled(ctx context.Context, h holder) bool {
	done, _, _, err := b.recorded(ctx, h.parcel, 0, nil)
	if err != nil {
		return false
	}
	err = b.each(ctx, "runs", b.names.stopped(h.parcel), 1, func(_ uint64, data []byte) error {
		results, err := b.recordIn(data)
		for _, r := range results {
			done[r.ID()] = true
		}
		return err
	})
	if err != nil {
		return false
	}
	rest := h.parcel.without(done)
	return len(rest) == 0 || !b.isAlive(ctx, h.worker) && b.stopJobs(ctx, h.parcel, rest, fmt.Sprintf("its worker %s died after the run had ended", h.worker)) == nil
}

// stopJobs hands the followers of a run that has ended the failures of jobs that nobody
// finishes.
func (b *Broker) stopJobs(ctx context.Context, p *parcel, jobs broker.Batch, why string) error {
	if len(jobs) == 0 {
		return nil
	}
	var results []*broker.Result
	for _, j := range jobs {
		r := broker.ResultOf(j)
		r.Failure = &broker.Failure{Text: why, Kind: broker.Stopped}
		results = append(results, r)
	}
	return b.tellStopped(ctx, p, results)
}

func (b *Broker) tellStopped(ctx context.Context, p *parcel, results []*broker.Result) error {
	left, err := b.resultsOut(ctx, p.run, results)
	if err != nil {
		return err
	}
	for len(left) > 0 {
		n, data, err := recordOut(results[0], left)
		if err != nil {
			return err
		}
		err = b.waitForRoom(ctx, func(ctx context.Context) error {
			_, err := b.js.Publish(ctx, b.names.stopped(p), data, jetstream.WithMsgTTL(b.markTime()))
			return err
		})
		if err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

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

// holder is a job that a worker has, and the worker.
type holder struct {
	job    *broker.Job
	worker string
}

// holders are the jobs of a run that live workers have.
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
		job, _, err := b.queuedJob(ctx, subject)
		if err != nil {
			return nil, err
		}
		if job == nil {
			continue
		}
		story, err := b.story(ctx, job)
		if err != nil {
			return nil, err
		}
		if len(story) > 0 && b.isAlive(ctx, story[len(story)-1].Worker) {
			held = append(held, holder{job, story[len(story)-1].Worker})
		}
	}
	return held, nil
}

// queuedJob is the job of a subject of the queue and its place there, nil when it
// is not there any more, or is none.
func (b *Broker) queuedJob(ctx context.Context, subject string) (*broker.Job, uint64, error) {
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
	job, _ := b.jobIn(m.Data)
	return job, m.Sequence, nil
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

// isSettled reports whether a job has a result. A dead worker's job gets one.
func (b *Broker) isSettled(ctx context.Context, h holder) bool {
	for _, subject := range [...]string{b.names.done(h.job.Run, h.job.ID()), b.names.stopped(h.job.Run, h.job.ID())} {
		if there, err := b.has(ctx, "runs", subject); there || err != nil {
			return there
		}
	}
	return !b.isAlive(ctx, h.worker) && b.stopJob(ctx, h.job, fmt.Sprintf("its worker %s died after the run had ended", h.worker)) == nil
}

// stopJob hands the followers of a run that has ended the failure of a job that
// nobody finishes.
func (b *Broker) stopJob(ctx context.Context, j *broker.Job, why string) error {
	r := broker.ResultOf(j)
	r.Failure = &broker.Failure{Text: why, Kind: broker.Stopped}
	return b.tellStopped(ctx, r)
}

func (b *Broker) tellStopped(ctx context.Context, r *broker.Result) error {
	data, err := b.resultOut(ctx, r.Run, r)
	if err != nil {
		return err
	}
	return b.waitForRoom(ctx, func(ctx context.Context) error {
		_, err := b.js.Publish(ctx, b.names.stopped(r.Run, r.ID()), data, jetstream.WithMsgTTL(b.markTime()))
		return err
	})
}

// has reports whether a stream has a message of a subject.
func (b *Broker) has(ctx context.Context, stream, subject string) (there bool, err error) {
	err = b.ride(ctx, func(ctx context.Context) error {
		_, err := b.stream(stream).GetLastMsgForSubject(ctx, subject)
		there = err == nil
		if isNotFound(err) {
			return nil
		}
		return err
	})
	return there, err
}

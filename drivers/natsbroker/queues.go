package natsbroker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// A Queue is what is in a queue at one priority, in messages: one has a job, or
// several short ones.
type Queue struct {
	Name        string
	Priority    broker.Priority
	Waiting     int       // for a worker
	WithWorkers int       // that have not finished them
	Redelivered int       // of those with workers, since a former worker did not finish them
	Oldest      time.Time // when the oldest of them all was submitted, by the server's clock; zero if there is none
}

// Queues are the queues that workers have asked for jobs, or that have any, by name
// and priority.
func (b *Broker) Queues(ctx context.Context) ([]*Queue, error) {
	var queues []*Queue
	served := map[string]bool{}
	counted := 0
	list := b.stream("jobs").ListConsumers(ctx)
	for info := range list.Info() {
		name := info.Config.Metadata[queueName]
		if !strings.HasPrefix(info.Name, "q-") || name == "" {
			continue
		}
		q := &Queue{Name: name, Priority: priorityOf(info.Config.Metadata[queuePriority]), Waiting: int(info.NumPending), WithWorkers: info.NumAckPending, Redelivered: info.NumRedelivered}
		served[info.Config.FilterSubject] = true
		counted += q.Waiting + q.WithWorkers
		if q.Waiting+q.WithWorkers > 0 {
			m, err := b.after(ctx, "jobs", info.AckFloor.Stream+1, info.Config.FilterSubject)
			if err != nil {
				return nil, err
			}
			if m != nil {
				q.Oldest = m.Time
			}
		}
		queues = append(queues, q)
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	info, err := b.stream("jobs").Info(ctx)
	if err != nil {
		return nil, err
	}
	if int(info.State.Msgs) > counted {
		unserved, err := b.unserved(ctx, served)
		if err != nil {
			return nil, err
		}
		queues = append(queues, unserved...)
	}
	slices.SortFunc(queues, func(x, y *Queue) int {
		if n := strings.Compare(x.Name, y.Name); n != 0 {
			return n
		}
		return int(y.Priority - x.Priority)
	})
	return queues, nil
}

// unserved are the queues that have jobs, and for which no worker has ever asked.
func (b *Broker) unserved(ctx context.Context, served map[string]bool) ([]*Queue, error) {
	subjects, err := b.subjects(ctx, "jobs", b.names.all("job"))
	if err != nil {
		return nil, err
	}
	waiting := map[string]int{}
	for subject, n := range subjects {
		parts := strings.SplitN(subject, ".", 5)
		if len(parts) < 5 {
			continue
		}
		if filter := strings.Join(parts[:4], ".") + ".>"; !served[filter] {
			waiting[filter] += int(n)
		}
	}
	var queues []*Queue
	for filter, n := range waiting {
		m, err := b.after(ctx, "jobs", 1, filter)
		if err != nil {
			return nil, err
		}
		if m == nil {
			continue // gone meanwhile
		}
		if p, _ := b.parcelIn(m.Data); p != nil {
			queues = append(queues, &Queue{Name: p.jobs[0].Queue, Priority: p.jobs[0].Priority, Waiting: n, Oldest: m.Time})
		}
	}
	return queues, nil
}

// after is the first message of a filter from a place on, nil if there is none.
func (b *Broker) after(ctx context.Context, stream string, seq uint64, filter string) (m *jetstream.RawStreamMsg, err error) {
	err = b.ride(ctx, func(ctx context.Context) (err error) {
		m, err = b.stream(stream).GetMsg(ctx, seq, jetstream.WithGetMsgSubject(filter))
		return err
	})
	if isNotFound(err) {
		return nil, nil
	}
	return m, err
}

// What a consumer says of its queue, whose token need not be its name.
const (
	queueName     = "runnel-queue"
	queuePriority = "runnel-priority"
)

func priorityOf(name string) broker.Priority {
	for _, p := range priorities {
		if p.String() == name {
			return p
		}
	}
	return broker.Normal
}

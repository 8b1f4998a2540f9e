package natsbroker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// Runs implements [broker.Keeper].
func (b *Broker) Runs(ctx context.Context, id string, deliver func([]*broker.Run)) error {
	filter := b.names.keptOf("*")
	if id != "" {
		filter = b.names.kept(id)
	}
	s := &shelf{b: b, inputs: id != "", files: map[string]*file{}}
	now, err := b.serverTime(ctx)
	if err != nil {
		return err
	}
	s.server, s.here = now, time.Now()
	ctx, cancel := context.WithCancel(ctx)
	heard := make(chan []jetstream.Msg)
	failed := make(chan error, 1)
	go func() {
		failed <- b.follow(ctx, "kept", jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy},
			func(msgs []jetstream.Msg) error {
				select {
				case heard <- msgs:
				case <-ctx.Done():
				}
				return nil
			})
	}()
	err = s.tell(ctx, heard, failed, deliver)
	cancel()
	if err != nil {
		return err
	}
	return <-failed
}

// shelf is the runs that somebody follows.
type shelf struct {
	b      *Broker
	inputs bool             // they are asked for
	files  map[string]*file // by the run's ID
	// The server's time when it was asked, and what time it was here: so the age of what
	// is there already can be told without comparing clocks.
	server, here time.Time
}

// file is a run as it was told last.
type file struct {
	state *kept
	run   *broker.Run
	until time.Time // of the claim, or of a closed run; zero for neither
}

// tell hands over runs as they change, until following ends: then it returns nil and
// the reason is in failed again.
func (s *shelf) tell(ctx context.Context, heard <-chan []jetstream.Msg, failed chan error, deliver func([]*broker.Run)) error {
	told := false
	next := time.NewTimer(0)
	next.Stop()
	defer next.Stop()
	for {
		changed := map[*broker.Run]uint64{}
		select {
		case msgs := <-heard:
			for _, m := range msgs {
				if err := s.hear(ctx, m, told, changed); err != nil {
					return err
				}
			}
		case <-next.C:
			if err := s.expire(ctx, changed); err != nil {
				return err
			}
		case err := <-failed:
			failed <- err
			return nil
		}
		if len(changed) > 0 || !told {
			runs := make([]*broker.Run, 0, len(changed))
			for r := range changed {
				runs = append(runs, r)
			}
			slices.SortFunc(runs, func(x, y *broker.Run) int { return cmp.Compare(changed[x], changed[y]) })
			deliver(runs)
			told = true
		}
		s.arm(next)
	}
}

// hear takes note of a state, and adds the run to those that have changed unless it
// was only claimed anew.
func (s *shelf) hear(ctx context.Context, m jetstream.Msg, live bool, changed map[*broker.Run]uint64) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	k := &kept{seq: meta.Sequence.Stream, at: meta.Timestamp}
	if cborIn.Unmarshal(m.Data(), &k.wireKept) != nil || version(k.Version) != nil {
		return nil // of another version
	}
	f := s.files[k.Run]
	if k.Dropped {
		if f != nil {
			s.drop(f, changed)
		}
		return nil
	}
	if f == nil {
		f = &file{}
	}
	f.until = time.Time{}
	switch {
	case k.Owner != "" && k.Outcome == nil && !s.b.void(k):
		f.until = s.end(k.claimed(), time.Duration(k.Lease), live && k.Since.IsZero())
	case k.Lifetime > 0:
		f.until = s.end(k.at, time.Duration(k.Lifetime), live)
	}
	run, err := s.read(ctx, k, f)
	if isNotFound(err) {
		return nil // it was dropped meanwhile
	}
	if err != nil {
		return err
	}
	same := f.run != nil && f.run.Owner == run.Owner && f.run.Cancelled == run.Cancelled && f.state.Outcome.equal(k.Outcome) && f.state.Spec.equal(k.Spec)
	f.state = k
	s.files[k.Run] = f
	if !same {
		delete(changed, f.run)
		f.run = run
		changed[run] = k.Order
	}
	return nil
}

// end is when something ends here that lasts from a time of the server on. What comes
// live begins now: it may end late that way, and never early.
func (s *shelf) end(from time.Time, lasts time.Duration, live bool) time.Time {
	now := time.Now()
	if live {
		return now.Add(lasts)
	}
	ends := s.here.Add(from.Add(lasts).Sub(s.server))
	if latest := now.Add(lasts); ends.After(latest) {
		return latest
	}
	return ends
}

// read makes a run of its state. What was read before is not read again.
func (s *shelf) read(ctx context.Context, k *kept, f *file) (*broker.Run, error) {
	r := &broker.Run{ID: k.Run, Opened: k.Opened, Cancelled: k.Cancelled}
	if k.Outcome == nil && f.until.After(time.Now()) {
		r.Owner = k.Owner
	}
	if f.run != nil && f.state.Spec.equal(k.Spec) {
		old := f.run
		r.Pipeline, r.Graph, r.Nodes, r.Inputs, r.Digests, r.Options = old.Pipeline, old.Graph, old.Nodes, old.Inputs, old.Digests, old.Options
	} else {
		var spec wireSpec
		if err := s.b.getPart(ctx, k.Run, k.Spec, &spec); err != nil {
			return nil, err
		}
		s.b.setSpec(r, &spec, s.inputs)
	}
	if f.run != nil && f.state.Outcome.equal(k.Outcome) {
		r.Outcome = f.run.Outcome
		return r, nil
	}
	var err error
	r.Outcome, err = s.b.outcome(ctx, k)
	return r, err
}

func (p *wirePart) equal(o *wirePart) bool {
	return p == nil && o == nil || p != nil && o != nil && p.Ref == o.Ref
}

// drop tells that a run is kept no more.
func (s *shelf) drop(f *file, changed map[*broker.Run]uint64) {
	delete(changed, f.run)
	changed[&broker.Run{ID: f.run.ID, Dropped: true}] = f.state.Order
	delete(s.files, f.run.ID)
}

// dropDelay is how long to wait for the server, which drops what is over in steps of a
// second or so.
const dropDelay = 200 * time.Millisecond

// expire ends the claims that have run out, and drops the runs that are gone.
func (s *shelf) expire(ctx context.Context, changed map[*broker.Run]uint64) error {
	now := time.Now()
	for _, f := range s.files {
		if f.until.IsZero() || f.until.After(now) {
			continue
		}
		if f.run.Outcome == nil {
			f.until = time.Time{}
			r := *f.run
			r.Owner = ""
			f.run = &r
			changed[f.run] = f.state.Order
			continue
		}
		switch there, err := s.b.isThere(ctx, f.run.ID); {
		case err != nil:
			return err
		case there:
			f.until = now.Add(dropDelay)
		default:
			s.drop(f, changed)
		}
	}
	return nil
}

// isThere reports whether the server still has a closed run, or results of it. These
// are older, but each stream is slow by itself.
func (b *Broker) isThere(ctx context.Context, run string) (bool, error) {
	m, err := b.after(ctx, "kept", 1, b.names.kept(run))
	if m == nil && err == nil {
		m, err = b.after(ctx, "runs", 1, b.names.doneOf(run))
	}
	return m != nil, err
}

// arm sets a timer to the next end.
func (s *shelf) arm(t *time.Timer) {
	var next time.Time
	for _, f := range s.files {
		if !f.until.IsZero() && (next.IsZero() || f.until.Before(next)) {
			next = f.until
		}
	}
	if t.Stop(); !next.IsZero() {
		t.Reset(max(0, time.Until(next)))
	}
}

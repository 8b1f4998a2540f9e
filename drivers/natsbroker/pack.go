package natsbroker

import (
	"context"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel/broker"
)

// packing is a message in the making.
type packing struct {
	first  *wireJob
	alone  []byte // the message if no other job comes
	jobs   broker.Batch
	others []cbor.RawMessage
	size   int
}

// pack makes messages of those jobs of a batch that are not known to be queued or done:
// one, unless they are large.
func (b *Broker) pack(ctx context.Context, batch broker.Batch, msgs []*nats.Msg) ([]*nats.Msg, error) {
	var open *packing
	seal := func() error {
		if open == nil {
			return nil
		}
		data := open.alone
		if len(open.others) > 0 {
			var err error
			if data, err = parcelOut(open.first, open.others); err != nil {
				return err
			}
		}
		p := newParcel(open.jobs)
		m := &nats.Msg{Subject: b.names.job(p), Data: data}
		if b.wasSent(p) {
			m.Header = repeated()
		}
		msgs = append(msgs, m)
		open = nil
		return nil
	}
	for _, j := range batch {
		known, err := b.begin(ctx, j.Run)
		if err != nil {
			return nil, err
		}
		if len(known) > 0 && known[unit(j.ID())] {
			continue
		}
		if j.Direct {
			if err := b.openInbox(ctx, j.Run); err != nil {
				return nil, err
			}
		}
		fits, err := b.add(ctx, open, j)
		if err == nil && !fits {
			if err := seal(); err != nil {
				return nil, err
			}
			open, err = b.open(ctx, j)
		}
		if err != nil && refused(err) {
			err = b.refuse(ctx, j, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return msgs, seal()
}

// repeated is the header of a message that may be there already, or have been: whoever
// gets it looks whether its jobs are done.
func repeated() nats.Header { return nats.Header{again: {"0"}} }

// wasSent reports whether a parcel goes out once more, and notes that it goes out.
func (b *Broker) wasSent(p *parcel) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	run := token(p.run)
	if b.sent[run] == nil {
		b.sent[run] = map[string]bool{}
	}
	was := b.sent[run][p.token]
	b.sent[run][p.token] = true
	return was
}

// open begins a message with a job.
func (b *Broker) open(ctx context.Context, j *broker.Job) (*packing, error) {
	w := &wireJob{
		Run: j.Run, Pipeline: j.Pipeline, Task: j.Task, Element: j.Element, Index: j.Index, Attempt: j.Attempt, Round: j.Round,
		Key: j.Key, Fingerprint: j.Fingerprint, Queue: j.Queue, Priority: int(j.Priority), Cause: failureOut(j.Cause), Left: int64(j.Left), Direct: j.Direct,
	}
	var err error
	if w.Inputs, err = b.inputsOut(ctx, j, nil, true); err != nil {
		return nil, err
	}
	w.Version = versionOf(w.Inputs)
	data, err := cborOut.Marshal(w)
	if err != nil {
		return nil, err
	}
	if most := b.nc.MaxPayload() - 1024; int64(len(data)) > most {
		return nil, &tooLarge{fmt.Sprintf("the message for task %q", j.Task), int64(len(data)), most,
			"lower Inline, so that values are stored, hand over fewer inputs, or raise the server's max_payload"}
	}
	return &packing{first: w, alone: data, jobs: broker.Batch{j}, size: len(data)}, nil
}

// add puts a job into a message, if there is room in it.
func (b *Broker) add(ctx context.Context, p *packing, j *broker.Job) (fits bool, err error) {
	if p == nil {
		return false, nil
	}
	o := &wireOther{Element: j.Element, Index: j.Index, Attempt: j.Attempt, Round: j.Round, Key: j.Key, Cause: failureOut(j.Cause)}
	like := p.first.Inputs
	if j.Task != p.first.Task {
		o.Task, o.Fingerprint = j.Task, j.Fingerprint
		if j.Fingerprint != p.first.Fingerprint {
			like = nil // it may take the same data as something else
		}
	}
	if o.Inputs, err = b.inputsOut(ctx, j, like, o.Task != ""); err != nil {
		return false, err
	}
	raw, err := cborOut.Marshal(o)
	if err != nil || p.size+len(raw) > mostTogether {
		return false, err
	}
	p.jobs, p.others, p.size = append(p.jobs, j), append(p.others, raw), p.size+len(raw)
	p.first.Version = max(p.first.Version, versionOf(o.Inputs))
	if o.Task != "" {
		p.first.Version = max(p.first.Version, wireMixed)
	}
	return true, nil
}

// versionOf is that of a message with some inputs.
func versionOf(inputs []wireInput) int {
	for k := range inputs {
		if v := inputs[k].Value; v != nil && v.Codec == listed {
			return wireListed
		}
	}
	return wirePlain
}

// inputsOut writes the inputs of a job, with their names if it is said so. What the first
// of the batch has too is not written again.
func (b *Broker) inputsOut(ctx context.Context, j *broker.Job, first []wireInput, named bool) ([]wireInput, error) {
	inputs := make([]wireInput, len(j.Inputs))
	for k := range j.Inputs {
		in, w := &j.Inputs[k], &inputs[k]
		if in.Whole && k < len(first) && first[k].Whole && first[k].Name == in.Name {
			w.Same = true
			continue
		}
		if w.Whole = in.Whole; named {
			w.Name = in.Name
		}
		if in.Value != nil {
			v, err := b.valueOut(ctx, j.Run, func() string { return fmt.Sprintf("input %q of task %q", in.Name, j.Task) }, in.Value)
			if err != nil {
				return nil, err
			}
			w.Value = v
		}
		for i, f := range in.Holes {
			if w.Holes == nil {
				w.Holes = map[int]*wireFailure{}
			}
			w.Holes[i] = failureOut(f)
		}
	}
	return inputs, nil
}

// refuse ends a job that cannot be sent.
func (b *Broker) refuse(ctx context.Context, j *broker.Job, why error) error {
	r := broker.ResultOf(j)
	r.Failure = &broker.Failure{Text: why.Error(), Permanent: true}
	_, _, err := b.record(ctx, newParcel(broker.Batch{j}), 0, []*broker.Result{r})
	return err
}

package natsbroker

import (
	"context"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/runnelflow/runnel/broker"
)

// parcel is the jobs of one message: a batch, or as much of one as fits.
type parcel struct {
	run   string
	token string // names it in subjects: the same for the same jobs
	jobs  broker.Batch
}

// manyMark begins the token of a parcel of several jobs. No digest has it.
const manyMark = "="

func newParcel(jobs broker.Batch) *parcel {
	p := &parcel{run: jobs[0].Run, jobs: jobs}
	if len(jobs) == 1 {
		p.token = unit(jobs[0].ID())
		return p
	}
	var ids strings.Builder
	for _, j := range jobs {
		ids.WriteString(j.ID())
		ids.WriteByte('\n')
	}
	p.token = manyMark + unit(ids.String())
	return p
}

// isMany reports whether a message has several jobs, by its token.
func isMany(token string) bool { return strings.HasPrefix(token, manyMark) }

// without are the jobs that are not among some IDs.
func (p *parcel) without(ids map[string]bool) broker.Batch {
	if len(ids) == 0 {
		return p.jobs
	}
	var rest broker.Batch
	for _, j := range p.jobs {
		if !ids[j.ID()] {
			rest = append(rest, j)
		}
	}
	return rest
}

// recorded are the jobs of a parcel that have a result, by ID, as records behind a place
// in the stream say, and the place of the last record. mine says that one of them is a
// certain one. Of a direct one its run is asked too.
func (b *Broker) recorded(ctx context.Context, p *parcel, after uint64, one []byte) (ids map[string]bool, last uint64, mine bool, err error) {
	ids, last = map[string]bool{}, after
	err = b.each(ctx, "runs", b.names.done(p), after+1, func(seq uint64, data []byte) error {
		last, mine = seq, mine || one != nil && string(data) == string(one)
		results, err := b.recordIn(data)
		for _, r := range results {
			ids[r.ID()] = true
		}
		return err
	})
	if err == nil && p.direct() {
		for _, id := range b.doneAt(ctx, p) {
			ids[id] = true
		}
	}
	return ids, last, mine, err
}

// each reads the messages of a subject, from a place in the stream on.
func (b *Broker) each(ctx context.Context, stream, subject string, seq uint64, read func(seq uint64, data []byte) error) error {
	for {
		m, err := b.after(ctx, stream, seq, subject)
		if m == nil || err != nil {
			return err
		}
		if err := read(m.Sequence, m.Data); err != nil {
			return err
		}
		seq = m.Sequence + 1
	}
}

// parcelOut writes a parcel whose jobs were written one by one: the first with what all
// of them share, the others without.
func parcelOut(first *wireJob, others []cbor.RawMessage) ([]byte, error) {
	first.Others = others
	return cborOut.Marshal(first)
}

// parcelIn reads a parcel. One of a newer version is returned with an error.
func (b *Broker) parcelIn(data []byte) (*parcel, error) {
	var w wireJob
	if err := cborIn.Unmarshal(data, &w); err != nil {
		return nil, errNoJob(err)
	}
	jobs := broker.Batch{b.jobOf(&w)}
	for _, raw := range w.Others {
		var o wireOther
		if err := cborIn.Unmarshal(raw, &o); err != nil {
			return nil, errNoJob(err)
		}
		jobs = append(jobs, b.otherOf(&w, jobs[0], &o))
	}
	return newParcel(jobs), version(w.Version)
}

package natsbroker

import (
	"cmp"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/runnelflow/runnel/broker"
)

// The messages are CBOR. A version stands in each one: a process that meets one that is
// newer than wireVersion leaves a job to others and says so, instead of guessing. Each is
// written with the least version that it can be understood with.
const (
	wireVersion = wireListed
	wirePlain   = 1
	wireMixed   = 2 // with jobs, or results, of several tasks
	wireListed  = 3 // with values that are lists of others
)

type wireJob struct {
	Version     int          `cbor:"0,keyasint"`
	Run         string       `cbor:"1,keyasint"`
	Pipeline    string       `cbor:"2,keyasint,omitempty"`
	Task        string       `cbor:"3,keyasint"`
	Element     int          `cbor:"4,keyasint"`
	Index       []int        `cbor:"5,keyasint,omitempty"`
	Attempt     int          `cbor:"6,keyasint"`
	Key         string       `cbor:"7,keyasint"`
	Fingerprint string       `cbor:"8,keyasint"`
	Queue       string       `cbor:"9,keyasint"`
	Priority    int          `cbor:"10,keyasint,omitempty"`
	Inputs      []wireInput  `cbor:"11,keyasint,omitempty"`
	Cause       *wireFailure `cbor:"12,keyasint,omitempty"`
	Round       int          `cbor:"13,keyasint,omitempty"`
	Left        int64        `cbor:"15,keyasint,omitempty"` // nanoseconds
	Direct      bool         `cbor:"20,keyasint,omitempty"`
	// Others are the jobs that come after it in a batch, each a wireOther.
	Others []cbor.RawMessage `cbor:"14,keyasint,omitempty"`
}

// wireOther is a job of a batch, as far as it differs from the first.
type wireOther struct {
	Element int          `cbor:"0,keyasint"`
	Index   []int        `cbor:"1,keyasint,omitempty"`
	Attempt int          `cbor:"2,keyasint"`
	Round   int          `cbor:"3,keyasint,omitempty"`
	Key     string       `cbor:"4,keyasint"`
	Inputs  []wireInput  `cbor:"5,keyasint,omitempty"` // without their names
	Cause   *wireFailure `cbor:"6,keyasint,omitempty"`
	// Of one of another task than the first; its inputs have their names then.
	Task        string `cbor:"7,keyasint,omitempty"`
	Fingerprint string `cbor:"8,keyasint,omitempty"`
}

type wireInput struct {
	Name  string               `cbor:"0,keyasint,omitempty"`
	Value *wireValue           `cbor:"1,keyasint,omitempty"`
	Whole bool                 `cbor:"2,keyasint,omitempty"`
	Holes map[int]*wireFailure `cbor:"3,keyasint,omitempty"`
	Same  bool                 `cbor:"4,keyasint,omitempty"` // as the first job of the batch has it
}

// wireRecord is results of jobs of one parcel that were recorded together.
type wireRecord struct {
	Version    int               `cbor:"0,keyasint"`
	Run        string            `cbor:"1,keyasint"`
	Task       string            `cbor:"2,keyasint"`
	Worker     string            `cbor:"3,keyasint,omitempty"`
	Deliveries int               `cbor:"4,keyasint,omitempty"`
	Results    []cbor.RawMessage `cbor:"5,keyasint"` // each a wireResult
}

type wireResult struct {
	Element  int          `cbor:"0,keyasint"`
	Attempt  int          `cbor:"1,keyasint"`
	Round    int          `cbor:"2,keyasint,omitempty"`
	Fallback bool         `cbor:"3,keyasint,omitempty"`
	Outputs  []*wireValue `cbor:"4,keyasint,omitempty"`
	Skipped  string       `cbor:"5,keyasint,omitempty"`
	Failure  *wireFailure `cbor:"6,keyasint,omitempty"`
	Took     int64        `cbor:"7,keyasint,omitempty"`
	Task     string       `cbor:"8,keyasint,omitempty"` // if it is not that of the record
}

type wireFailure struct {
	Text      string `cbor:"0,keyasint"`
	Kind      string `cbor:"1,keyasint,omitempty"`
	Permanent bool   `cbor:"2,keyasint,omitempty"`
	Stack     []byte `cbor:"3,keyasint,omitempty"`
}

// wireValue is a value in a message: its bytes, or where they are stored.
type wireValue struct {
	Codec  Codec  `cbor:"0,keyasint"`
	Packed bool   `cbor:"1,keyasint,omitempty"` // with zstd
	Data   []byte `cbor:"2,keyasint,omitempty"`
	Ref    string `cbor:"3,keyasint,omitempty"` // the hash of the bytes, stored in chunks
	Chunks int    `cbor:"4,keyasint,omitempty"`
	Size   int64  `cbor:"5,keyasint,omitempty"` // of all chunks
}

// wireDelivered is one delivery of a job, or its release.
type wireDelivered struct {
	Worker   string    `cbor:"0,keyasint"`
	At       time.Time `cbor:"1,keyasint"`
	Released bool      `cbor:"2,keyasint,omitempty"`
}

type wireDead struct {
	Version int             `cbor:"0,keyasint"`
	Job     *wireJob        `cbor:"1,keyasint"`
	At      time.Time       `cbor:"2,keyasint"`
	Story   []wireDelivered `cbor:"3,keyasint"`
}

// Bounds on what a message says besides its values, so that none is refused by
// the server: the rest of a long text is cut.
const (
	maxText  = 32 << 10
	maxStack = 64 << 10
)

func failureOut(f *broker.Failure) *wireFailure {
	if f == nil {
		return nil
	}
	text := f.Text
	if text == "" && f.Err != nil {
		text = f.Err.Error()
	}
	return &wireFailure{Text: cut(text, maxText), Kind: string(f.Kind), Permanent: f.Permanent, Stack: f.Stack[:min(len(f.Stack), maxStack)]}
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + fmt.Sprintf("… (%d bytes more)", len(text)-most)
}

func failureIn(f *wireFailure) *broker.Failure {
	if f == nil {
		return nil
	}
	return &broker.Failure{Text: f.Text, Kind: broker.Kind(f.Kind), Permanent: f.Permanent, Stack: f.Stack}
}

func errNoJob(err error) error { return fmt.Errorf("a message is no job: %w", err) }

func version(v int) error {
	if v > wireVersion {
		return fmt.Errorf("a message is of version %d, and this process knows version %d: bring it up to date", v, wireVersion)
	}
	return nil
}

func (b *Broker) jobOf(w *wireJob) *broker.Job {
	j := &broker.Job{
		Run: w.Run, Pipeline: w.Pipeline, Task: w.Task, Element: w.Element, Index: w.Index, Attempt: w.Attempt, Round: w.Round,
		Key: w.Key, Fingerprint: w.Fingerprint, Queue: w.Queue, Priority: broker.Priority(w.Priority), Cause: failureIn(w.Cause), Left: time.Duration(w.Left), Direct: w.Direct,
		Inputs: make([]broker.Input, len(w.Inputs)),
	}
	for k := range w.Inputs {
		j.Inputs[k] = inputIn(b, w.Run, &w.Inputs[k])
	}
	return j
}

// otherOf is a job of a batch after the first.
func (b *Broker) otherOf(w *wireJob, first *broker.Job, o *wireOther) *broker.Job {
	j := *first
	j.Element, j.Index, j.Attempt, j.Round, j.Key, j.Cause = o.Element, o.Index, o.Attempt, o.Round, o.Key, failureIn(o.Cause)
	if o.Task != "" {
		j.Task, j.Fingerprint = o.Task, o.Fingerprint
	}
	j.Inputs = make([]broker.Input, len(o.Inputs))
	for k := range j.Inputs {
		known := k < len(first.Inputs)
		if known && o.Inputs[k].Same {
			j.Inputs[k] = first.Inputs[k]
			continue
		}
		if j.Inputs[k] = inputIn(b, w.Run, &o.Inputs[k]); known && o.Task == "" {
			j.Inputs[k].Name = first.Inputs[k].Name
		}
	}
	return &j
}

func (b *Broker) recordIn(data []byte) ([]*broker.Result, error) {
	var w wireRecord
	if err := cborIn.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("a message is no record of results: %w", err)
	}
	results := make([]*broker.Result, len(w.Results))
	for k, raw := range w.Results {
		var one wireResult
		if err := cborIn.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("a message is no record of results: %w", err)
		}
		r := &broker.Result{
			Run: w.Run, Task: cmp.Or(one.Task, w.Task), Element: one.Element, Attempt: one.Attempt, Round: one.Round, Fallback: one.Fallback, Skipped: one.Skipped,
			Failure: failureIn(one.Failure), Worker: w.Worker, Deliveries: w.Deliveries, Took: time.Duration(one.Took),
		}
		for _, v := range one.Outputs {
			r.Outputs = append(r.Outputs, &value{b, w.Run, v})
		}
		results[k] = r
	}
	return results, version(w.Version)
}

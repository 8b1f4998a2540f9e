package natsbroker

import (
	"fmt"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// The messages are CBOR. wireVersion stands in each one: a process that meets a
// newer one leaves a job to others and says so, instead of guessing.
const wireVersion = 1

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
}

type wireInput struct {
	Name  string               `cbor:"0,keyasint"`
	Value *wireValue           `cbor:"1,keyasint,omitempty"`
	Whole bool                 `cbor:"2,keyasint,omitempty"`
	Holes map[int]*wireFailure `cbor:"3,keyasint,omitempty"`
}

type wireResult struct {
	Version    int          `cbor:"0,keyasint"`
	Run        string       `cbor:"1,keyasint"`
	Task       string       `cbor:"2,keyasint"`
	Element    int          `cbor:"3,keyasint"`
	Attempt    int          `cbor:"4,keyasint"`
	Fallback   bool         `cbor:"5,keyasint,omitempty"`
	Outputs    []*wireValue `cbor:"6,keyasint,omitempty"`
	Skipped    string       `cbor:"7,keyasint,omitempty"`
	Failure    *wireFailure `cbor:"8,keyasint,omitempty"`
	Worker     string       `cbor:"9,keyasint,omitempty"`
	Deliveries int          `cbor:"10,keyasint,omitempty"`
	Took       int64        `cbor:"11,keyasint,omitempty"`
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

func (b *Broker) jobIn(data []byte) (*broker.Job, error) {
	var w wireJob
	if err := cborIn.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("a message is no job: %w", err)
	}
	return b.jobOf(&w), version(w.Version)
}

func version(v int) error {
	if v > wireVersion {
		return fmt.Errorf("a message is of version %d, and this process knows version %d: bring it up to date", v, wireVersion)
	}
	return nil
}

func (b *Broker) jobOf(w *wireJob) *broker.Job {
	j := &broker.Job{
		Run: w.Run, Pipeline: w.Pipeline, Task: w.Task, Element: w.Element, Index: w.Index, Attempt: w.Attempt,
		Key: w.Key, Fingerprint: w.Fingerprint, Queue: w.Queue, Priority: broker.Priority(w.Priority), Cause: failureIn(w.Cause),
	}
	for _, in := range w.Inputs {
		i := broker.Input{Name: in.Name, Whole: in.Whole}
		if in.Value != nil {
			i.Value = &value{b, w.Run, in.Value}
		}
		for k, f := range in.Holes {
			if i.Holes == nil {
				i.Holes = map[int]*broker.Failure{}
			}
			i.Holes[k] = failureIn(f)
		}
		j.Inputs = append(j.Inputs, i)
	}
	return j
}

func (b *Broker) resultIn(data []byte) (*broker.Result, error) {
	var w wireResult
	if err := cborIn.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("a message is no result: %w", err)
	}
	r := &broker.Result{
		Run: w.Run, Task: w.Task, Element: w.Element, Attempt: w.Attempt, Fallback: w.Fallback, Skipped: w.Skipped,
		Failure: failureIn(w.Failure), Worker: w.Worker, Deliveries: w.Deliveries, Took: time.Duration(w.Took),
	}
	for _, v := range w.Outputs {
		r.Outputs = append(r.Outputs, &value{b, w.Run, v})
	}
	return r, version(w.Version)
}

package natsbroker

import (
	"fmt"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// wireKept is the state of a run that is kept: all that changes while it goes on, in
// one message, so that each change is one publish that expects the state before it.
type wireKept struct {
	Version   int       `cbor:"0,keyasint"`
	Run       string    `cbor:"1,keyasint"`
	Change    string    `cbor:"2,keyasint"` // differs from that of all other states
	Order     uint64    `cbor:"3,keyasint"` // of the opening, by the server
	Opened    time.Time `cbor:"4,keyasint"` // for people
	Spec      *wirePart `cbor:"5,keyasint,omitempty"`
	Owner     string    `cbor:"6,keyasint,omitempty"`
	Broker    string    `cbor:"7,keyasint,omitempty"` // of the owner
	Lease     int64     `cbor:"8,keyasint,omitempty"` // of the claim
	Since     time.Time `cbor:"9,keyasint,omitempty"` // the server's time of the claim, if it is not that of this message
	Cancelled string    `cbor:"10,keyasint,omitempty"`
	Outcome   *wirePart `cbor:"11,keyasint,omitempty"`
	Lifetime  int64     `cbor:"12,keyasint,omitempty"` // from the time of this message on
	Dropped   bool      `cbor:"13,keyasint,omitempty"`
	// What follows bounds how often the run is taken over.
	Lost []wireLost `cbor:"14,keyasint,omitempty"` // claims that ran out, with no result in between
	Seen uint64     `cbor:"15,keyasint,omitempty"` // the end of the stream of results when the owner claimed the run
}

// wireLost is a claim that ran out.
type wireLost struct {
	Owner string    `cbor:"0,keyasint"`
	At    time.Time `cbor:"1,keyasint"` // the server's, of the last word of the owner
}

// wirePart is where the bytes of a part are, which has messages of its own: a graph
// or a list of outcomes may be too large for one.
type wirePart struct {
	Ref    string `cbor:"0,keyasint"`
	Chunks int    `cbor:"1,keyasint"`
	Size   int64  `cbor:"2,keyasint"`
}

// wireSpec is what does not change.
type wireSpec struct {
	Version  int               `cbor:"0,keyasint"`
	Pipeline string            `cbor:"1,keyasint,omitempty"`
	Graph    string            `cbor:"2,keyasint"`
	Nodes    []*broker.Node    `cbor:"3,keyasint,omitempty"`
	Inputs   []wireInput       `cbor:"4,keyasint,omitempty"`
	Digests  map[string]string `cbor:"5,keyasint,omitempty"`
	Options  broker.RunOptions `cbor:"6,keyasint"`
}

type wireOutcome struct {
	Version int                  `cbor:"0,keyasint"`
	State   string               `cbor:"1,keyasint"`
	Failure *wireFailure         `cbor:"2,keyasint,omitempty"`
	Started time.Time            `cbor:"3,keyasint"`
	Ended   time.Time            `cbor:"4,keyasint"`
	Tasks   []broker.TaskOutcome `cbor:"5,keyasint,omitempty"`
}

func inputIn(b *Broker, run string, in *wireInput) broker.Input {
	i := broker.Input{Name: in.Name, Whole: in.Whole}
	if in.Value != nil {
		i.Value = &value{b, run, in.Value}
	}
	for k, f := range in.Holes {
		if i.Holes == nil {
			i.Holes = map[int]*broker.Failure{}
		}
		i.Holes[k] = failureIn(f)
	}
	return i
}

// setSpec completes a run by what does not change.
func (b *Broker) setSpec(r *broker.Run, s *wireSpec, inputs bool) {
	r.Pipeline, r.Graph, r.Nodes, r.Digests, r.Options = s.Pipeline, s.Graph, s.Nodes, s.Digests, s.Options
	if !inputs {
		return
	}
	for k := range s.Inputs {
		r.Inputs = append(r.Inputs, inputIn(b, r.ID, &s.Inputs[k]))
	}
}

func outcomeOut(o *broker.Outcome) *wireOutcome {
	w := &wireOutcome{Version: wirePlain, State: o.State, Failure: failureOut(o.Failure), Started: o.Started, Ended: o.Ended}
	for _, t := range o.Tasks {
		t.Text = cut(t.Text, maxText)
		w.Tasks = append(w.Tasks, t)
	}
	return w
}

func (w *wireOutcome) in() *broker.Outcome {
	return &broker.Outcome{State: w.State, Failure: failureIn(w.Failure), Started: w.Started, Ended: w.Ended, Tasks: w.Tasks}
}

func newer(id string, v int) error {
	if err := version(v); err != nil {
		return fmt.Errorf("natsbroker: run %q: %w", id, err)
	}
	return nil
}

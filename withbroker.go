package runnel

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// ErrNoWorker is the error of a task which no worker could do for as long as
// [AwaitWorkers] says.
var ErrNoWorker = errors.New("no worker can do this task")

// WithBroker has the tasks of a run done by workers, instead of goroutines of this
// process: each attempt at a task or an element is a job that the broker hands to a
// [Worker] which has the task. Everything else stays here: the graph, retries and
// their delays, error modes, limits and windows, events and the result. RetryIf, When,
// Timeout and Fallback are the task's own and go with it. Interceptors of the run and
// its pipeline are called here, around the wait for the worker; a worker has others.
//
// Workers do a job at least once, and its result counts exactly once. What a task
// gets as its context ends with the run or with the worker's right to the job; it has
// the deadline of the run's context, and not its values. When the run ends early,
// workers are told, and the run does not wait for them.
//
// A run with a [RunID] that ended early and is started again under the same id takes
// the results that the broker has kept, and does the rest.
func WithBroker(b broker.Broker) RunOption {
	return runOption(func(c *runConfig) {
		if b == nil {
			c.problem("WithBroker: the broker is nil: drop the option to run in this process, or give a broker such as &broker.Memory{}")
			return
		}
		c.broker = b
	})
}

// defaultPatience is that of AwaitWorkers.
const defaultPatience = time.Minute

// AwaitWorkers is how long a task of a run with a broker may be ready while no worker
// that is alive has it. Then it fails with [ErrNoWorker]. Default 1 min.
func AwaitWorkers(d time.Duration) RunOption {
	return runOption(func(c *runConfig) {
		if d <= 0 {
			c.problem("AwaitWorkers must be more than 0, got %v: drop it for the default", d)
		}
		c.patience = d
	})
}

// Queue names the queue that the task's jobs go to in a run with a broker: workers
// serve one or several. Default "default".
func Queue(name string) TaskOption {
	return taskOption(func(c *taskConfig) {
		if strings.TrimSpace(name) == "" {
			c.problem("Queue must not be empty: drop it for %q", broker.DefaultQueue)
		}
		c.queue = name
	})
}

// Priority says which jobs of a queue workers do first: [broker.High] ones before
// all others, [broker.Low] ones after them. Default [broker.Normal].
func Priority(p broker.Priority) TaskOption {
	return taskOption(func(c *taskConfig) {
		if p < broker.Low || p > broker.High {
			c.problem("Priority: there is no %v: use broker.Low, broker.Normal or broker.High", p)
		}
		c.priority = p
	})
}

// testBroker, in tests, gives every run a broker and a worker. It is nil otherwise.
var testBroker func(*Pipeline) broker.Broker

// checkBroker asks the run's broker, if it encodes, about the types that it is to
// carry.
func (c *runConfig) checkBroker(p *plan) {
	checker, ok := c.broker.(broker.TypeChecker)
	if !ok {
		return
	}
	asked := map[reflect.Type]error{}
	for n := range p.nodes {
		d := p.nodes[n].task
		if d.stays {
			continue
		}
		for _, text := range d.unsendable(checker, asked) {
			c.problems = append(c.problems, Problem{Task: d.Name(), Location: d.Location(), Text: text})
		}
	}
}

// unsendable says which inputs and outputs of a task a broker cannot carry. It asks
// once about each type.
func (d *declaration) unsendable(checker broker.TypeChecker, asked map[reflect.Type]error) []string {
	var problems []string
	check := func(t reflect.Type, what, name, label string) {
		err, known := asked[t]
		if !known {
			err = checker.CheckType(t)
			asked[t] = err
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s %q (%s) cannot be sent to another process: %v", what, name, label, err))
		}
	}
	for _, in := range d.inputs {
		check(in.typ, "input", in.name, in.label)
	}
	for _, out := range d.outputs {
		check(d.sent(&out), "output", out.name, out.label)
	}
	return problems
}

// sent is the type of what one job makes of an output.
func (d *declaration) sent(o *output) reflect.Type {
	if d.axes == nil || o.elem == nil {
		return o.typ
	}
	return nested(o.elem, len(o.axes)-len(d.axes))
}

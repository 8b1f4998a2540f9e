package runnel

import "fmt"

// A CoordinatorOption is what a coordinator is made of: the pipelines whose runs it
// drives, and how. Every [*Pipeline] is one.
type CoordinatorOption interface{ applyCoordinator(*coordinatorConfig) }

// coordinatorConfig is what options say about a coordinator.
type coordinatorConfig struct {
	pipelines    []*Pipeline
	limit        int // of runs at once, 0 for none
	observers    []Observer
	interceptors []Interceptor
	problems     []Problem
}

func (c *coordinatorConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, Problem{Text: fmt.Sprintf(format, args...)})
}

// applyCoordinator implements [CoordinatorOption]: runs of the pipeline are driven.
func (p *Pipeline) applyCoordinator(c *coordinatorConfig) { c.pipelines = append(c.pipelines, p) }

func (o interceptOption) applyCoordinator(c *coordinatorConfig) {
	if o.hasNil() {
		c.problem(nilInterceptor)
	}
	c.interceptors = append(c.interceptors, o...)
}

// A ConcurrencyOption limits how much a process takes on at once.
type ConcurrencyOption interface {
	WorkerOption
	CoordinatorOption
}

type concurrencyOption int

func (n concurrencyOption) applyWorker(c *workerConfig) {
	if n < 1 {
		c.problem(noConcurrency, int(n))
		return
	}
	c.concurrency = int(n)
}

func (n concurrencyOption) applyCoordinator(c *coordinatorConfig) {
	if n < 1 {
		c.problem(noConcurrency, int(n))
	}
	c.limit = int(n)
}

const noConcurrency = "Concurrency must be 1 or more, got %d: 1 does one attempt at a time"

// Concurrency is how many jobs a worker does at once, or how many runs a coordinator
// drives. A worker asks for a job when it can begin with it, never before. Its default
// is GOMAXPROCS: tasks that wait, for a network or a disk, want more. That of a
// coordinator is no limit.
func Concurrency(n int) ConcurrencyOption { return concurrencyOption(n) }

// An ObserveOption adds observers.
type ObserveOption interface {
	RunOption
	CoordinatorOption
}

type observeOption []Observer

const nilObserver = "Observe: the observer is nil: drop it"

func (o observeOption) hasNil() bool {
	for _, observer := range o {
		if observer == nil {
			return true
		}
	}
	return false
}

func (o observeOption) applyRun(c *runConfig) {
	if o.hasNil() {
		c.problem(nilObserver)
		return
	}
	c.observers = append(c.observers, o...)
}

func (o observeOption) applyCoordinator(c *coordinatorConfig) {
	if o.hasNil() {
		c.problem(nilObserver)
		return
	}
	c.observers = append(c.observers, o...)
}

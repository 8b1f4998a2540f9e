package runnel

import (
	"fmt"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/budget"
	"github.com/runnelflow/runnel/internal/capacity"
	"github.com/runnelflow/runnel/resultcache"
)

// A RunOption sets something about one run.
type RunOption interface{ applyRun(*runConfig) }

// runConfig is what options say about a run.
type runConfig struct {
	limit        int
	limited      bool // by limit, though it may be 0 for none
	mode         ErrorMode
	targets      []string
	id           string
	observers    []Observer
	untimed      bool
	cache        *DataCache
	taken        Values // from the cache
	results      resultcache.Store
	interceptors []Interceptor
	broker       broker.Broker // nil: the run is this process alone
	patience     time.Duration // of AwaitWorkers
	changes      bool          // AllowChanges
	direct       bool          // DirectResults
	unasked      bool          // nobody is given the result
	aware        bool          // ResourceAware
	budget       Budget
	profiles     map[string]Resources // what tasks need, by their names; nil without Profiles
	machine      capacity.Machine     // that the budget is of
	capacity     budget.Need          // that is the budget on it
	problems     []Problem
}

func (c *runConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, Problem{Text: fmt.Sprintf(format, args...)})
}

type runOption func(*runConfig)

func (o runOption) applyRun(c *runConfig) { o(c) }

// A ParallelOption limits how much happens at once.
type ParallelOption interface {
	RunOption
	TaskOption
	BatchOption
}

type parallelOption int

const negativeLimit = "MaxParallel must be 0 or more, got %d: 0 lifts the limit"

func (n parallelOption) applyRun(c *runConfig) {
	if n < 0 {
		c.problem(negativeLimit, int(n))
	}
	c.limited, c.limit = true, int(n)
}

func (n parallelOption) applyTask(c *taskConfig) {
	if n < 0 {
		c.problem(negativeLimit, int(n))
	}
	c.limited, c.limit = true, int(n)
}

func (n parallelOption) applyRegister(d *declaration) { d.override(n) }

// MaxParallel limits, exactly, how many tasks of a run are being called at once;
// given to a mapped task, how many of its elements are, and to a batch helper like
// [Map], how many items. What waits for its next attempt does not count. By default
// there is no limit on tasks, and one of 1,024 on items and on the elements of a
// mapped task, or the run's if it has one. 0 lifts the limit where it is given: on a
// run those of its tasks and of their elements, but for mapped tasks that have a
// limit of their own.
func MaxParallel(n int) ParallelOption { return parallelOption(n) }

// ErrorMode says what the failure of a task does to the rest of a run.
type ErrorMode int

const (
	// FailFast cancels the context of running tasks and starts nothing new.
	FailFast ErrorMode = iota
	// ContinueOnError runs every task that does not need the failed one's output;
	// the run's error joins all failures.
	ContinueOnError
	// SkipFailed is ContinueOnError, and the run returns no error.
	SkipFailed
)

// String is the mode's name.
func (m ErrorMode) String() string {
	switch m {
	case FailFast:
		return "fail fast"
	case ContinueOnError:
		return "continue on error"
	case SkipFailed:
		return "skip failed"
	}
	return fmt.Sprintf("ErrorMode(%d)", int(m))
}

// An ErrorOption says what a failure does to the rest.
type ErrorOption interface {
	RunOption
	BatchOption
}

type errorOption ErrorMode

// check says what is wrong with the mode, or nothing.
func (m errorOption) check() string {
	if ErrorMode(m) < FailFast || ErrorMode(m) > SkipFailed {
		return fmt.Sprintf("OnError: there is no %v: use FailFast, ContinueOnError or SkipFailed", ErrorMode(m))
	}
	return ""
}

func (m errorOption) applyRun(c *runConfig) {
	if text := m.check(); text != "" {
		c.problem("%s", text)
	}
	c.mode = ErrorMode(m)
}

// OnError sets the error mode. The default of a run is [FailFast], that of a batch
// helper like [Map] is [ContinueOnError].
func OnError(m ErrorMode) ErrorOption { return errorOption(m) }

// Targets runs only what the named outputs need, checks only the inputs that
// those need, and lets go of each other value after its last use. Optional
// inputs and [After] count as needs.
func Targets(outputs ...string) RunOption {
	return runOption(func(c *runConfig) {
		if len(outputs) == 0 {
			c.problem("Targets names no output: name one, or drop it to run everything")
		}
		c.targets = append(c.targets, outputs...)
	})
}

// RunID names the run in reports, events, errors and idempotency keys. By
// default each run gets a random one.
func RunID(id string) RunOption {
	return runOption(func(c *runConfig) {
		if strings.TrimSpace(id) == "" {
			c.problem("RunID must not be empty: drop it for a random one")
		}
		c.id = id
	})
}

// Timings says whether the report has times. Default true; without them a run
// is a little faster, and state, attempts and reasons are still there.
func Timings(on bool) RunOption {
	return runOption(func(c *runConfig) { c.untimed = !on })
}

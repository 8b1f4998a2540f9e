package runnel

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/resultcache"
)

// A Pipeline is a set of tasks and the graph that their data makes of them. It
// is safe for concurrent use, and any number of its runs may go on at once.
type Pipeline struct {
	config pipelineConfig

	mu       sync.Mutex
	tasks    []AnyTask
	built    *built // of tasks, nil until it is asked for
	err      error
	building sync.Mutex // held while built is made, and taken before mu

	effects []string // side effects that end the sequence it was built from
}

// pipelineConfig is what options say about a pipeline.
type pipelineConfig struct {
	name         string
	defaults     []TaskOption
	interceptors []Interceptor
	externals    map[string]reflect.Type
	strict       bool
	results      resultcache.Store // nil: that of the process
	problems     []string
}

// A PipelineOption sets something about a pipeline.
type PipelineOption interface{ applyPipeline(*pipelineConfig) }

func (c *pipelineConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

type pipelineOption func(*pipelineConfig)

func (o pipelineOption) applyPipeline(c *pipelineConfig) { o(c) }

// PipelineName names the pipeline in reports, events and errors.
func PipelineName(name string) PipelineOption {
	return pipelineOption(func(c *pipelineConfig) { c.name = name })
}

// Defaults sets options for every task of the pipeline; what a task sets itself
// goes first. [Meta] adds the keys that the task has not, and [After] orders
// every task but the named ones themselves. [Name] and [Inputs] belong to one
// task and are refused.
func Defaults(opts ...TaskOption) PipelineOption {
	return pipelineOption(func(c *pipelineConfig) {
		for _, o := range opts {
			d := configure([]TaskOption{o})
			switch {
			case len(d.problems) > 0:
				c.problem("Defaults: %s", d.problems[0])
			case d.name != "":
				c.problem("Defaults: Name(%q) belongs to a single task: give it to that one", d.name)
			case d.hasParams:
				c.problem("Defaults: Inputs(%s) belongs to a single task: give it to that one", quoted(d.params))
			default:
				// Only what is right, lest each task repeat the problem.
				c.defaults = append(c.defaults, o)
			}
		}
	})
}

// External declares an external input and its type. A task that produces it, or
// consumes it as another type, is then a problem of the graph.
func External[T any](name string) PipelineOption {
	return pipelineOption(func(c *pipelineConfig) {
		if c.externals == nil {
			c.externals = map[string]reflect.Type{}
		}
		t := reflect.TypeFor[T]()
		if name == "" {
			c.problem("External: the data name must not be empty")
			return
		}
		if other, twice := c.externals[name]; twice && other != t {
			this, that := typeNames(other, t)
			c.problem("External %q is declared as %s and as %s: keep one of them", name, this, that)
			return
		}
		c.externals[name] = t
	})
}

// Strict makes [External] declarations complete: an input that no task produces
// and nobody declared is a problem of the graph, and so is a declared one that
// no task consumes.
func Strict() PipelineOption {
	return pipelineOption(func(c *pipelineConfig) { c.strict = true })
}

// NewPipeline makes a pipeline without tasks; [Pipeline.Add] adds them.
func NewPipeline(opts ...PipelineOption) *Pipeline {
	p := &Pipeline{}
	for _, o := range opts {
		if o == nil {
			p.config.problem("an option of the pipeline is nil: drop it")
			continue
		}
		o.applyPipeline(&p.config)
	}
	return p
}

// FromTasks makes a pipeline of tasks and builds it. The error, a [*BuildError],
// lists everything that is wrong with the graph.
func FromTasks(tasks ...AnyTask) (*Pipeline, error) {
	p := NewPipeline().Add(tasks...)
	if err := p.Build(); err != nil {
		return nil, err
	}
	return p, nil
}

// Add adds tasks, in any order, and returns the pipeline. The graph is built
// anew when it is next needed; runs that have started are not affected.
func (p *Pipeline) Add(tasks ...AnyTask) *Pipeline {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks = append(p.tasks, tasks...)
	p.built, p.err = nil, nil
	return p
}

// Build infers and checks the graph, if that has not been done since the last
// [Pipeline.Add]. The error is a [*BuildError].
func (p *Pipeline) Build() error {
	_, err := p.build()
	return err
}

func (p *Pipeline) build() (*built, error) {
	if _, b, err := p.last(); b != nil || err != nil {
		return b, err
	}
	p.building.Lock()
	defer p.building.Unlock()
	tasks, b, err := p.last()
	if b != nil || err != nil {
		return b, err
	}
	b, err = build(p, tasks)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tasks) == len(tasks) { // else one was added meanwhile
		p.built, p.err = b, err
	}
	return b, err
}

// last are the tasks, and what was built of them last, if none was added since.
func (p *Pipeline) last() ([]AnyTask, *built, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tasks, p.built, p.err
}

// Name is the name given by [PipelineName], or empty.
func (p *Pipeline) Name() string { return p.config.name }

// Tasks are the tasks added by now, in order, whether or not they build.
func (p *Pipeline) Tasks() []AnyTask {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.tasks), isNil)
}

// Externals are the names declared by [External], sorted. What tasks consume
// and none produces is [dag.Graph.ExternalInputs].
func (p *Pipeline) Externals() []string { return slices.Sorted(maps.Keys(p.config.externals)) }

// Graph is the pipeline's graph. The error is that of [Pipeline.Build].
func (p *Pipeline) Graph() (*dag.Graph, error) {
	b, err := p.build()
	if err != nil {
		return nil, err
	}
	return b.view()
}

// String is the graph as text, or what is wrong with it.
func (p *Pipeline) String() string {
	g, err := p.Graph()
	if err != nil {
		return err.Error()
	}
	return g.String()
}

// Check says what [Pipeline.Run] would refuse of inputs and options, and runs nothing.
// The error is a [*BuildError] or an [*InputError].
func (p *Pipeline) Check(in Values, opts ...RunOption) error {
	q, err := p.request(context.Background(), in, opts)
	if err != nil {
		return err
	}
	return q.check()
}

// Run runs the pipeline on external inputs and waits for its end. The inputs
// are checked first: an [*InputError] lists all that are missing, unknown or of
// the wrong type, and nothing has run. Otherwise the result is never nil: it
// holds what was produced, and the error, a [*RunError], says what was not.
//
// A cancelled context cancels the run; Run returns when the functions that were
// running have returned.
func (p *Pipeline) Run(ctx context.Context, in Values, opts ...RunOption) (*Result, error) {
	x, err := p.prepare(ctx, in, opts)
	if err != nil {
		return nil, err
	}
	x.watch(false)
	x.run()
	return x.result()
}

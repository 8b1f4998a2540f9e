package runnel

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A WorkerOption is what a worker is made of: the tasks that it does, whole
// pipelines, and how it does them. Every task and every [*Pipeline] is one.
type WorkerOption interface{ applyWorker(*workerConfig) }

// workerConfig is what options say about a worker.
type workerConfig struct {
	concurrency  int
	queues       []string
	drain        time.Duration
	interceptors []Interceptor
	tasks        []AnyTask
	pipelines    []*Pipeline
	problems     []Problem
}

func newWorkerConfig() *workerConfig {
	return &workerConfig{concurrency: runtime.GOMAXPROCS(0), drain: defaultDrain}
}

func (c *workerConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, Problem{Text: fmt.Sprintf(format, args...)})
}

type workerOption func(*workerConfig)

func (o workerOption) applyWorker(c *workerConfig) { o(c) }

// applyWorker implements [WorkerOption].
func (d *declaration) applyWorker(c *workerConfig) { c.tasks = append(c.tasks, d) }

// applyWorker implements [WorkerOption]: the worker does all tasks of the pipeline.
func (p *Pipeline) applyWorker(c *workerConfig) { c.pipelines = append(c.pipelines, p) }

func (o interceptOption) applyWorker(c *workerConfig) {
	if o.hasNil() {
		c.problem(nilInterceptor)
	}
	c.interceptors = append(c.interceptors, o...)
}

// Tasks gives a worker the tasks of a slice.
func Tasks(tasks ...AnyTask) WorkerOption {
	tasks = slices.Clone(tasks)
	return workerOption(func(c *workerConfig) { c.tasks = append(c.tasks, tasks...) })
}

// Queues are the queues that a worker serves. Default those that its tasks name.
func Queues(names ...string) WorkerOption {
	names = slices.Clone(names)
	return workerOption(func(c *workerConfig) {
		if len(names) == 0 || slices.ContainsFunc(names, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			c.problem("Queues must name at least one queue, and no empty one, got %s: drop it to serve those that the tasks name", quoted(names))
		}
		c.queues = append(c.queues, names...)
	})
}

const defaultDrain = 20 * time.Second

// DrainTimeout is how long a worker that is to end lets running tasks go on. After
// that it cancels their contexts and gives their jobs back, to be done again
// elsewhere. Default 20 s; 0 does so at once. A broker that does not answer then is
// waited for five seconds more.
func DrainTimeout(d time.Duration) WorkerOption {
	return workerOption(func(c *workerConfig) {
		if d < 0 {
			c.problem("DrainTimeout must be 0 or more, got %v: 0 waits for nothing", d)
		}
		c.drain = d
	})
}

package runnel

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/broker"
)

// A TaskOption sets something about one task, or about all tasks of a pipeline
// through [Defaults]. Wrong values are reported when the pipeline is built.
type TaskOption interface {
	RegisterOption
	applyTask(*taskConfig)
}

// taskConfig is what options say about a task.
type taskConfig struct {
	name        string
	description string
	meta        map[string]any
	after       []string
	params      []string // of Inputs
	hasParams   bool
	needs       Resources
	limited     bool // by limit
	limit       int  // of a mapped task's elements under way, 0 for none
	queue       string
	priority    broker.Priority
	retry       retryPolicy
	cached      *cachePolicy // nil: not
	problems    []string
}

func (c *taskConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// configure applies options, later ones over earlier ones, to the defaults.
func configure(layers ...[]TaskOption) *taskConfig {
	none := true
	for _, opts := range layers {
		none = none && len(opts) == 0
	}
	if none {
		return plainConfig // most tasks of a large graph: share it
	}
	c := &taskConfig{queue: broker.DefaultQueue, retry: defaultRetry}
	for _, opts := range layers {
		for _, o := range opts {
			if o == nil {
				c.problem("an option is nil: drop it")
				continue
			}
			o.applyTask(c)
		}
	}
	return c
}

var plainConfig = &taskConfig{queue: broker.DefaultQueue, retry: defaultRetry}

// isNameAndAfter reports whether nothing but these two is set.
func (c *taskConfig) isNameAndAfter() bool {
	only := *plainConfig
	only.name, only.after = c.name, c.after
	return reflect.DeepEqual(&only, c)
}

// taskOption is a TaskOption made of a function.
type taskOption func(*taskConfig)

func (o taskOption) applyTask(c *taskConfig)       { o(c) }
func (o taskOption) applyRegister(d *declaration)  { d.override(o) }
func (o retryOption) applyTask(c *taskConfig)      { o(c, &c.retry) }
func (o retryOption) applyRegister(d *declaration) { d.override(o) }

// Name names the task; without it, its first output does. Task names are what
// [After], reports and events use.
func Name(s string) TaskOption {
	return taskOption(func(c *taskConfig) {
		if strings.TrimSpace(s) == "" {
			c.problem("Name must not be empty: drop it to name the task after its first output")
		}
		c.name = s
	})
}

// Describe says in a sentence what the task does, for pictures and listings.
func Describe(s string) TaskOption {
	return taskOption(func(c *taskConfig) { c.description = s })
}

// Meta attaches a free key and value to the task: an owner, a ticket, a cost
// centre. It can be read from the task, the graph's node and their JSON, and
// means nothing to Runnel. The last value of a key counts.
func Meta(key string, value any) TaskOption {
	return taskOption(func(c *taskConfig) {
		// The map may be shared with the declaration that this one was copied from.
		c.meta = maps.Clone(c.meta)
		if c.meta == nil {
			c.meta = map[string]any{}
		}
		c.meta[key] = value
	})
}

// After makes the task start only after the named tasks have succeeded, though
// it takes no data from them. It is skipped when one of them fails or is
// skipped.
func After(tasks ...string) TaskOption {
	tasks = slices.Clone(tasks)
	return taskOption(func(c *taskConfig) { c.after = append(c.after[:len(c.after):len(c.after)], tasks...) })
}

// Inputs names the data that the parameters of a [Func] take, in order. A
// leading context is not counted.
func Inputs(data ...string) TaskOption {
	data = slices.Clone(data)
	return taskOption(func(c *taskConfig) { c.params, c.hasParams = data, true })
}

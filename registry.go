package runnel

import (
	"slices"
	"sync"
)

// A Registry collects tasks under names and with metadata that may differ from
// their declarations, answers questions about them, and builds pipelines of
// them. It is safe for concurrent use.
type Registry struct {
	opts []PipelineOption

	mu    sync.Mutex
	tasks []AnyTask
}

// A RegisterOption overrules something of a task's declaration where it is
// registered: every [TaskOption], [As] and [Bind].
type RegisterOption interface {
	StepOption
	applyRegister(*declaration)
}

type registerOption func(*declaration)

func (o registerOption) applyRegister(d *declaration) { o(d) }

// As gives the task's primary output another name, like the As of its type.
func As(output string) RegisterOption {
	return registerOption(func(d *declaration) { d.rename(output) })
}

// Bind lets the task take the named input from other data, like the Bind of its
// type.
func Bind(input, data string) RegisterOption {
	return registerOption(func(d *declaration) { d.rebind(input, data) })
}

// NewRegistry makes an empty registry. The options are those of its pipelines.
func NewRegistry(opts ...PipelineOption) *Registry { return &Registry{opts: opts} }

// Register adds a task, with options that overrule its declaration, and returns
// the registry. The task itself is not changed. Mistakes are reported by
// [Registry.Build].
func (r *Registry) Register(task AnyTask, opts ...RegisterOption) *Registry {
	if len(opts) > 0 && !isNil(task) {
		d := task.declared().copy()
		for _, o := range opts {
			if o == nil {
				d.problem("Register: an option is nil: drop it")
				continue
			}
			o.applyRegister(&d)
		}
		task = &d
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks = append(r.tasks, task)
	return r
}

// Tasks are the registered tasks, in order, as they were registered.
func (r *Registry) Tasks() []AnyTask {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.tasks), isNil)
}

// Producer is the task that produces the named data; with several, which Build
// refuses, the first.
func (r *Registry) Producer(data string) (AnyTask, bool) {
	for _, t := range r.Tasks() {
		if slices.Contains(t.Outputs(), data) {
			return t, true
		}
	}
	return nil, false
}

// Consumers are the tasks that consume the named data, in order of registration.
func (r *Registry) Consumers(data string) []AnyTask {
	return slices.DeleteFunc(r.Tasks(), func(t AnyTask) bool { return !slices.Contains(t.Inputs(), data) })
}

// ExternalInputs are the names of the data that tasks consume and none
// produces, sorted.
func (r *Registry) ExternalInputs() []string {
	produced := map[string]bool{}
	for _, name := range r.Outputs() {
		produced[name] = true
	}
	var names []string
	for _, t := range r.Tasks() {
		for _, name := range t.Inputs() {
			if !produced[name] {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Outputs are the names of the data that tasks produce, sorted.
func (r *Registry) Outputs() []string {
	var names []string
	for _, t := range r.Tasks() {
		names = append(names, t.Outputs()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Clear forgets all tasks. Pipelines that were built are not affected.
func (r *Registry) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks = nil
}

// Build makes a pipeline of the tasks registered by now. The error is a
// [*BuildError].
func (r *Registry) Build() (*Pipeline, error) {
	r.mu.Lock()
	p := NewPipeline(r.opts...).Add(r.tasks...)
	r.mu.Unlock()
	if err := p.Build(); err != nil {
		return nil, err
	}
	return p, nil
}

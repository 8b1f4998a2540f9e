package runnel

// handle is what every task is to a pipeline. The types of tasks embed it and not the
// declaration: the compiler makes a copy of each method that they get by embedding, for each
// pair of types, and of what it inlines there.
type handle struct{ d *declaration }

// Name implements [AnyTask].
//
//go:noinline
func (h *handle) Name() string { return h.d.Name() }

// Inputs implements [AnyTask].
//
//go:noinline
func (h *handle) Inputs() []string { return h.d.Inputs() }

// Outputs implements [AnyTask].
//
//go:noinline
func (h *handle) Outputs() []string { return h.d.Outputs() }

// Description implements [AnyTask].
//
//go:noinline
func (h *handle) Description() string { return h.d.Description() }

// Meta implements [AnyTask].
//
//go:noinline
func (h *handle) Meta() map[string]any { return h.d.Meta() }

// Resources implements [AnyTask].
//
//go:noinline
func (h *handle) Resources() Resources { return h.d.Resources() }

// Location implements [AnyTask].
//
//go:noinline
func (h *handle) Location() string { return h.d.Location() }

//go:noinline
func (h *handle) declared() *declaration { return h.d }

//go:noinline
func (h *handle) applyWorker(c *workerConfig) { h.d.applyWorker(c) }

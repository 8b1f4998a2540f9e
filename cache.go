package runnel

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/runnelflow/runnel/internal/binding"
)

// A DataCache keeps data by name from one run to the next, or hands a run
// values that it then does not compute. It is safe for concurrent use. Values
// are kept as they are, not copied. The zero value is an empty cache.
type DataCache struct {
	mu   sync.RWMutex
	data map[string]any
}

// NewDataCache makes an empty cache.
func NewDataCache() *DataCache { return &DataCache{} }

// Set keeps a value under a name, in place of the one before.
func (c *DataCache) Set(name string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data == nil {
		c.data = map[string]any{}
	}
	c.data[name] = value
}

// Get is the value of a name. The error matches [ErrNotCached].
func (c *DataCache) Get(name string) (any, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.data[name]
	if !ok {
		return nil, fmt.Errorf("runnel: data %q is %w%s", name, ErrNotCached, didYouMean(name, maps.Keys(c.data)))
	}
	return v, nil
}

// Has reports whether there is a value of a name.
func (c *DataCache) Has(name string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.data[name]
	return ok
}

// Inject is the values of several names. The error matches [ErrNotCached] and
// lists every name that is absent.
func (c *DataCache) Inject(names ...string) (Values, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	values := make(Values, len(names))
	var absent []string
	for _, name := range names {
		v, ok := c.data[name]
		if !ok {
			absent = append(absent, name)
		}
		values[name] = v
	}
	if len(absent) > 0 {
		return nil, fmt.Errorf("runnel: data %s: %w: it has %s", quoted(absent), ErrNotCached, quoted(slices.Sorted(maps.Keys(c.data))))
	}
	return values, nil
}

// Clear forgets all values.
func (c *DataCache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.data)
}

// WithCache gives a run a data cache: a task is not called when all its outputs
// are in it, and does not need its inputs then; what other tasks produce is put
// into it.
func WithCache(cache *DataCache) RunOption {
	return runOption(func(c *runConfig) {
		if cache == nil {
			c.problem("WithCache: the cache is nil: make one with NewDataCache")
		}
		c.cache = cache
	})
}

// cached marks the tasks whose outputs are all in the run's data cache, or is
// nil when there are none. It keeps those outputs for the run, since the cache
// may change meanwhile.
func (g *built) cached(c *runConfig) []bool {
	if c.cache == nil {
		return nil
	}
	c.cache.mu.RLock()
	defer c.cache.mu.RUnlock()
	var given []bool
	for i, d := range g.tasks {
		if len(d.outputs) == 0 || slices.ContainsFunc(d.outputs, func(o output) bool { _, ok := c.cache.data[o.name]; return !ok }) {
			continue
		}
		for _, o := range d.outputs {
			v := c.cache.data[o.name]
			have, want := "nil", o.typ.String()
			t := reflect.TypeOf(v)
			if t != nil {
				have, want = typeNames(t, o.typ)
			}
			if t == nil && !binding.Nilable(o.typ) || t != nil && !t.AssignableTo(o.typ) {
				c.problem("the data cache has %s as %q, but task %q (%s) produces %s: set a value of that type, or clear the cache", have, o.name, d.Name(), d.Location(), want)
			}
			if c.taken == nil {
				c.taken = Values{}
			}
			c.taken[o.name] = v
		}
		if given == nil {
			given = make([]bool, len(g.tasks))
		}
		given[i] = true
	}
	return given
}

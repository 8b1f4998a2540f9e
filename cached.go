package runnel

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/internal/canon"
	"github.com/runnelflow/runnel/resultcache"
)

// Cached keeps the results of a task in a result cache, and takes them from there: the
// task is not called when it has been with inputs of the same content. A mapped task
// does so for each element. What is kept goes by the task's name, its version, the
// types and the content of its inputs, and so is shared by all pipelines that have a
// task of that name. The version stands for the code: change it when the task is to
// give other results. After ttl a result is not used any more; 0 keeps it for ever.
//
// A task whose inputs cannot be told apart by their content, or whose outputs could not
// be made again from bytes, is a problem of the graph: functions, channels, structs
// with fields that are not exported and no MarshalBinary, and interfaces among the
// outputs. What is in an interface among its inputs is looked at when it is there, and
// fails the task. What comes from the cache is a copy.
//
// Only a success is kept, and no output that a fallback made. Calls with the same
// content at the same time, in one process, are made once: the others wait for the
// first, without a slot, and if it fails the next one is made. Interceptors are not
// called when there is a result; a condition is. Runs that their broker keeps, those
// with a RunID, do not use the result cache.
//
// The store is that of [ResultCache], or [resultcache.Default], which holds 64 MiB in
// this process.
func Cached(version string, ttl time.Duration) TaskOption {
	return taskOption(func(c *taskConfig) {
		if strings.TrimSpace(version) == "" {
			c.problem(`Cached: the version must not be empty: begin with "1", and change it when the task is to give other results`)
		}
		if ttl < 0 {
			c.problem("Cached: the ttl must be 0 or more, got %v: 0 keeps results for ever", ttl)
		}
		c.cached = &cachePolicy{version, ttl}
	})
}

// cachePolicy is what Cached says.
type cachePolicy struct {
	version string
	ttl     time.Duration
}

// A ResultCacheOption says where results are kept.
type ResultCacheOption interface {
	PipelineOption
	RunOption
}

type resultCacheOption struct{ store resultcache.Store }

const nilStore = "ResultCache: the store is nil: drop the option for the one in this process, or make one with resultcache.NewMemory"

func (o resultCacheOption) applyPipeline(c *pipelineConfig) {
	if o.store == nil {
		c.problem(nilStore)
	}
	c.results = o.store
}

func (o resultCacheOption) applyRun(c *runConfig) {
	if o.store == nil {
		c.problem(nilStore)
	}
	c.results = o.store
}

// ResultCache gives the tasks of a pipeline or of a run that are [Cached] a store of
// results, in the place of [resultcache.Default]. That of a run goes first. A nil store
// is a problem of the pipeline, or of the run as an [*InputError].
func ResultCache(store resultcache.Store) ResultCacheOption { return resultCacheOption{store} }

// memoPlan is what of a task's caching is the same in all runs.
type memoPlan struct {
	number  int // among those of the graph
	task    string
	version string
	ttl     time.Duration
	prefix  [sha256.Size]byte // of the key
	in, out []*canon.Codec
}

// memoize prepares the caching of the tasks that want it, and refuses those of which a
// part cannot be written as bytes.
func (b *builder) memoize() {
	for i, d := range b.tasks {
		if d.config.cached == nil || d.stays { // not what a sequence puts in between
			continue
		}
		if p := b.memoPlan(d); p != nil {
			if b.memos == nil {
				b.memos = map[int32]*memoPlan{}
			}
			p.number = len(b.memos)
			b.memos[int32(i)] = p
		}
	}
}

func (b *builder) memoPlan(d *declaration) *memoPlan {
	before := len(b.problems)
	p := &memoPlan{task: d.Name(), version: d.config.cached.version, ttl: d.config.cached.ttl}
	text := []byte("runnel result 1")
	add := func(s string) {
		text = append(binary.AppendUvarint(text, uint64(len(s))), s...)
	}
	add(p.task)
	add(p.version)
	for _, in := range d.inputs {
		if in.typ == nil {
			return nil // the declaration is wrong, and said so
		}
		c, err := canon.Of(in.typ)
		if err != nil {
			b.problem(d, "Cached: input %q: its content cannot be told from others: %s%v", in.name, in.label, err)
			continue
		}
		p.in = append(p.in, c)
		add(withAxes("input "+in.label, in.axes))
		add(c.Types())
	}
	for k := range d.outputs {
		o := &d.outputs[k]
		t := d.sent(o)
		if t == nil {
			return nil
		}
		c, err := canon.Of(t)
		if err == nil {
			err = c.OneWay()
		}
		if err != nil {
			b.problem(d, "Cached: output %q could not be made again from bytes: %s%v", o.name, o.label, err)
			continue
		}
		p.out = append(p.out, c)
		add("output " + o.label)
		add(c.Types())
	}
	if len(d.outputs) == 0 {
		b.problem(d, "Cached: the task has no output that could be kept: drop the option")
	}
	if len(b.problems) > before {
		return nil
	}
	p.prefix = sha256.Sum256(text)
	return p
}

// encode is the outputs of a unit as an entry has them.
func (p *memoPlan) encode(values []any) ([]byte, error) {
	var data, part []byte
	for k, v := range values {
		var err error
		if part, err = p.out[k].Append(part[:0], v); err != nil {
			return nil, err
		}
		data = binary.AppendUvarint(data, uint64(len(part)))
		data = append(data, part...)
	}
	return slices.Clip(data), nil
}

// decode takes the data of an entry apart.
func (p *memoPlan) decode(data []byte) ([]memoValue, error) {
	values := make([]memoValue, len(p.out))
	for k := range values {
		n, width := binary.Uvarint(data)
		if width <= 0 || n > uint64(len(data)-width) {
			return nil, fmt.Errorf("output %d of %d: it ends too early", k+1, len(values))
		}
		values[k] = memoValue{p.out[k], data[width : width+int(n)]}
		data = data[width+int(n):]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%d bytes are left over", len(data))
	}
	return values, nil
}

// memoValue is an output in an entry. It implements [broker.Value].
type memoValue struct {
	codec *canon.Codec
	data  []byte
}

func (v memoValue) Decode(_ context.Context, into any) error { return v.codec.Decode(v.data, into) }

package runnel

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/binding"
)

// workTask is a task of a worker, compiled to a plan of a single node whose inputs
// all come from outside. An attempt is a run of that plan without an engine: the
// same code as in a run makes it.
type workTask struct {
	from  *declaration // that was given
	offer *broker.Task
	plans sync.Map // *plan, by the name of the pipeline that the job is part of
}

func newWorkTask(pipeline string, d *declaration) *workTask {
	return &workTask{from: d, offer: d.offer(pipeline)}
}

// plan is the task's plan, for a pipeline of some name.
func (t *workTask) plan(pipeline string) *plan {
	if p, ok := t.plans.Load(pipeline); ok {
		return p.(*plan)
	}
	d := t.from.copy()
	d.interceptors = nil // they are called where the run is
	config := *d.config
	config.after = nil
	// Whether there is time for another attempt is the run's business.
	config.retry.delay, config.retry.maxTime = 0, 0
	d.config = &config
	g := &built{config: &pipelineConfig{name: pipeline}, tasks: []*declaration{&d}, names: map[string]int32{d.Name(): 0}, graph: oneNode}
	links := make([]link, len(d.inputs))
	for i := range d.inputs {
		e := &external{name: d.inputs[i].name, number: int32(i)}
		links[i] = link{external: e}
		g.supplied = append(g.supplied, e)
	}
	g.links = [][]link{links}
	p, _ := t.plans.LoadOrStore(pipeline, compile(g, nil, nil))
	return p.(*plan)
}

// prepare is an execution of a job that nobody has started: of it a worker makes one
// attempt.
func (t *workTask) prepare(ctx context.Context, cancel context.CancelCauseFunc, j *broker.Job, interceptors []Interceptor) (*execution, unit) {
	p := t.plan(j.Pipeline)
	x := &execution{plan: p, config: runConfig{untimed: true}, interceptors: interceptors, ctx: ctx, cancel: cancel, start: time.Now()}
	x.id = func() string { return j.Run }
	x.records = x.newRecords(1)
	x.slabs = make([]binding.Slab, len(p.slabs))
	for i, s := range p.slabs {
		x.slabs[i] = s.make(s.n)
	}
	x.supplied = make([]bool, len(j.Inputs))
	inputs := int32(len(x.slabs) - 1)
	x.slabs[inputs] = &jobSlab{Slab: x.slabs[inputs], ctx: ctx, job: j, of: p.nodes[0].task}
	for i := range j.Inputs {
		x.supplied[i] = j.Inputs[i].Value != nil
		if holes := j.Inputs[i].Holes; holes != nil {
			if x.holes == nil {
				x.holes = map[slot]map[int]error{}
			}
			errs := make(map[int]error, len(holes))
			for k, f := range holes {
				errs[k] = errorOf(f)
			}
			x.holes[slot{inputs, int32(i)}] = errs
		}
	}
	if j.Element == broker.Whole {
		return x, unit{0, whole}
	}
	x.maps = []*mapRun{newElement(x, j, p)}
	return x, unit{0, 0}
}

// newElement is a mapped task in the execution of a job: of one element.
func newElement(x *execution, j *broker.Job, p *plan) *mapRun {
	m := newMapRun(x, p.maps[0])
	m.items = jobFlow{at: j.Index}
	m.status = make([]uint32, 1)
	m.columns, m.ready = m.makeColumns(1), true
	m.inputs = make([]elementSource, len(j.Inputs))
	for i, in := range m.plan.inputs {
		if in.axes != nil && j.Inputs[i].Value != nil {
			m.inputs[i] = elementSource{from: &jobReader{x.ctx, j.Inputs[i].Value, p.nodes[0].task.inputs[i].typ}, aligned: true, width: 1, lengths: make([]int, len(in.axes))}
		}
	}
	return m
}

// outputs are what an attempt has made.
func (x *execution) outputs(u unit) []broker.Value {
	var out []broker.Value
	for k := range x.plan.into(&x.plan.nodes[0]) {
		slab, at := x.placeOf(u, k)
		v, _ := slab.Load(at) // it was made here
		out = append(out, broker.Go{V: v})
	}
	return out
}

// jobFlow is that of a single element.
type jobFlow struct {
	itemFlow // never asked
	at       []int
}

func (f jobFlow) index(int32) []int { return f.at }

// jobReader reads an input of a job.
type jobReader struct {
	ctx   context.Context // of the job
	value broker.Value
	typ   reflect.Type
}

// CopyTo implements [binding.Reader].
func (r *jobReader) CopyTo(_ int, dst any) error { return r.value.Decode(r.ctx, dst) }

// Load implements [binding.Reader].
func (r *jobReader) Load(int) (any, error) { return valueOf(r.ctx, r.value, r.typ) }

// jobSlab is the inputs of a job in the place of a run's external inputs.
type jobSlab struct {
	binding.Slab // never written
	ctx          context.Context
	job          *broker.Job
	of           *declaration
}

func (s *jobSlab) reader(i int) *jobReader {
	return &jobReader{s.ctx, s.job.Inputs[i].Value, s.of.inputs[i].typ}
}

// CopyTo implements [binding.Reader].
func (s *jobSlab) CopyTo(i int, dst any) error {
	if s.job.Inputs[i].Value == nil {
		return errAbsent
	}
	return s.reader(i).CopyTo(i, dst)
}

// Load implements [binding.Reader].
func (s *jobSlab) Load(i int) (any, error) {
	if s.job.Inputs[i].Value == nil {
		return nil, nil
	}
	return s.reader(i).Load(i)
}

var errAbsent = errors.New("the run did not send it")

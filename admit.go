package runnel

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/runnelflow/runnel/internal/budget"
	"github.com/runnelflow/runnel/internal/capacity"
	"github.com/runnelflow/runnel/internal/engine"
)

// awareness is the part of a run that has to do with resources.
type awareness struct {
	x         *execution
	gate      *budget.Gate
	machine   capacity.Machine
	meter     *capacity.Meter // nil when no load counts
	oversized []int32         // nodes that need more than the whole budget
}

// admitted marks an item that has waited for its resources and has them now.
const admitted engine.Item = 1 << 31

const (
	micro = 1e6 // of a processor, as a gate counts
	mega  = 1e6 // bytes of a MB
)

// needOf is what a gate counts of resources.
func needOf(r Resources) budget.Need {
	n := budget.Need{CPU: amount(r.CPU * micro), Memory: amount(r.MemoryMB * mega), IO: r.IOBound}
	if n.IO {
		n.CPU = 0
	}
	return n
}

func amount(v float64) int64 {
	if v >= budget.Unlimited {
		return budget.Unlimited
	}
	return int64(math.Round(v))
}

// resourcesOf is the inverse of needOf. What is unlimited is 0.
func resourcesOf(n budget.Need) Resources {
	value := func(v int64, unit float64) float64 {
		if v == budget.Unlimited {
			return 0
		}
		return float64(v) / unit
	}
	return Resources{CPU: value(n.CPU, micro), MemoryMB: value(n.Memory, mega), IOBound: n.IO}
}

// needsOf is what a task of a run needs.
func (c *runConfig) needsOf(d *declaration) Resources {
	if c.profiles != nil {
		if r, ok := c.profiles[d.Name()]; ok {
			return r
		}
	}
	return d.config.needs
}

// checkResources works out the budget and holds the tasks against it.
func (q *request) checkResources() {
	c := &q.config
	c.checkProfiles(q.built)
	if !c.aware {
		return
	}
	if c.broker != nil {
		c.problem("ResourceAware cannot be used with WithBroker: it counts what this process has, and workers have their own: drop it, and give each kind of task a Queue whose workers have what it needs")
	}
	if len(c.problems) > 0 {
		return
	}
	if most := c.budget.MaxParallel; most > 0 && (c.limit == 0 || most < c.limit) {
		c.limit = most
	}
	c.machine = c.budget.machine()
	c.capacity = c.budget.of(c.machine, q.ctx)
	if !c.budget.Strict {
		return
	}
	for n := range q.plan.nodes {
		d := q.plan.nodes[n].task
		if needs := c.needsOf(d); needOf(needs).Exceeds(c.capacity) {
			c.problems = append(c.problems, Problem{Task: d.Name(), Location: d.Location(), Text: fmt.Sprintf(
				"it needs %s, which is more than the whole budget of %s (CPU by %s; memory by %s): correct what it needs, raise the budget, or drop Strict to run it alone",
				needs, resourcesOf(c.capacity), c.machine.CPUSource, c.machine.MemorySource)})
		}
	}
}

// machine is what there is.
func (b *Budget) machine() capacity.Machine {
	const given = "Budget.Machine"
	m := capacity.Machine{}
	if b.Machine.CPU <= 0 || b.Machine.MemoryMB <= 0 {
		m = capacity.Read()
	}
	if b.Machine.CPU > 0 {
		m.CPUs, m.CPUSource = b.Machine.CPU, given
	}
	if b.Machine.MemoryMB > 0 {
		m.Memory, m.MemorySource = amount(b.Machine.MemoryMB*mega), given
	}
	return m
}

// of is the budget on a machine. In a task of a run that has one it is at most that, and
// at most what the task needs, which it has been given.
func (b *Budget) of(m capacity.Machine, ctx context.Context) budget.Need {
	limit := budget.Need{CPU: amount(m.CPUs * b.MaxCPUPercent / 100 * micro), Memory: budget.Unlimited}
	if m.Memory != capacity.Unknown {
		limit.Memory = amount(float64(m.Memory) * b.MaxMemoryPercent / 100)
	}
	for c := Info(ctx).of; c != nil; c = Info(c.run.ctx).of {
		if c.run.aware == nil {
			continue
		}
		around, task := c.run.config.capacity, c.run.aware.gate.Needs[c.unit.node]
		if task.CPU > 0 {
			around.CPU = min(around.CPU, task.CPU)
		}
		if task.Memory > 0 {
			around.Memory = min(around.Memory, task.Memory)
		}
		limit.CPU, limit.Memory = min(limit.CPU, around.CPU), min(limit.Memory, around.Memory)
		break
	}
	return limit
}

// newAwareness is nil for a run that is not resource-aware.
func newAwareness(x *execution) *awareness {
	c := &x.config
	if !c.aware {
		return nil
	}
	a := &awareness{x: x, machine: c.machine}
	needs := make([]budget.Need, len(x.plan.nodes))
	declared, as := Resources{}, budget.Need{}
	for n := range needs {
		if r := c.needsOf(x.plan.nodes[n].task); r != declared { // most need what the one before does
			declared, as = r, needOf(r)
		}
		if needs[n] = as; as.Exceeds(c.capacity) {
			a.oversized = append(a.oversized, int32(n))
		}
	}
	config := budget.Config{Limit: c.capacity, Needs: needs, Min: c.budget.MinParallel,
		Resume: func(item uint64) { x.engine.Resume(engine.Item(item)) }}
	if c.budget.MaxCPUPercent < 100 || c.budget.MaxMemoryPercent < 100 {
		a.meter, config.Load = capacity.NewMeter(), a.load
	}
	a.gate = budget.New(config)
	return a
}

// load tells whether the machine is short of processors, or of memory.
func (a *awareness) load() (cpu, memory bool) {
	b, now := &a.x.config.budget, a.meter.Load()
	cpu = now.CPUPressure > b.MaxCPUPercent/100
	if a.machine.Memory != capacity.Unknown && now.MemoryAvailable != capacity.Unknown {
		memory = float64(now.MemoryAvailable) < float64(a.machine.Memory)*(1-b.MaxMemoryPercent/100)
	}
	return cpu, memory
}

// warn tells of the tasks that are to run alone.
func (a *awareness) warn() {
	if a == nil || a.x.log == nil {
		return
	}
	for _, n := range a.oversized {
		a.x.log.add(entry{kind: taskOversized, unit: unit{n, whole}}, nil, nil)
	}
}

// close ends what samples the load. No worker of the engine is left.
func (a *awareness) close() {
	if a == nil {
		return
	}
	a.gate.Close()
	if a.meter != nil {
		a.meter.Close()
	}
}

// exec makes an attempt at a unit that has what it needs; otherwise it waits for that.
func (a *awareness) exec(w *engine.Worker, it engine.Item, u unit) engine.Item {
	x := a.x
	s := x.scratch(w)
	if s.seat == nil {
		s.seat = a.gate.NewSeat()
	}
	again, waited := attemptsOf(x.status(u)) > 0, it&admitted != 0
	switch {
	case waited:
	case x.memo == nil: // once at the gate is enough
		if !s.seat.Ask(u.node, uint64(it|admitted), again) {
			return engine.None
		}
	case !s.seat.Try(u.node, again):
		x.memo.forgo(u) // nobody waits for what waits here: he may have what this one needs
		if !a.gate.Ask(u.node, uint64(it|admitted), again) {
			return engine.None
		}
		waited = true
	}
	if waited {
		w.Clock = 0
		if x.ctx.Err() != nil {
			return engine.None // the run ends, and all that it has with it
		}
	}
	w.Found()
	if x.memo != nil && x.plan.nodes[u.node].memo != nil {
		if waited { // somebody may have made its result meanwhile
			if next, done := x.memo.recall(w, u); done {
				a.gate.Return(u.node)
				return next
			}
		}
		x.memo.begins(u)
	}
	s.holds, s.since = true, x.now(w)
	return a.leave(w, s, u, x.perform(w, s, u))
}

// leave gives back what the attempt had that this worker has settled, if it had
// something.
func (a *awareness) leave(w *engine.Worker, s *scratch, u unit, next engine.Item) engine.Item {
	if a != nil && s.holds {
		s.holds = false
		took := time.Duration(0)
		if a.x.timed {
			took = time.Duration(a.x.now(w) - s.since)
		}
		s.seat.Leave(u.node, took)
	}
	return next
}

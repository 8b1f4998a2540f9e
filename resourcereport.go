package runnel

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/internal/budget"
)

// ResourceReport tells what a run with [ResourceAware] admitted.
type ResourceReport struct {
	// Budget is what the needs of the tasks that run at once may add up to, 0 where
	// there is no limit.
	Budget Resources `json:"budget"`
	// Peak is the most that they added up to, of each resource. It is more than the
	// budget only by a task that is larger than it, and ran alone.
	Peak Resources `json:"peak"`
	// CPUSource and MemorySource say where the figures of the machine come from.
	CPUSource    string `json:"cpu_source"`
	MemorySource string `json:"memory_source"`
}

// String is the report in a line.
func (r *ResourceReport) String() string {
	return fmt.Sprintf("%s at most, of a budget of %s", r.Peak, r.Budget)
}

// TaskResources tells what a task of a run with [ResourceAware] needed, what it waited
// for, and what was measured. Elements of a mapped task, and attempts, add up.
type TaskResources struct {
	Needs     Resources // of an attempt, as declared or by [Profiles]
	Oversized bool      // that is more than the whole budget: it runs alone
	// Waits are attempts that did not fit at once, and the rest is how long they waited
	// for what they lacked when they came: CPU, memory, a machine under less load, or
	// one that had waited for longer. In a run that ended early, those that still waited
	// are not counted.
	Waits           int
	WaitedForCPU    time.Duration
	WaitedForMemory time.Duration
	WaitedForLoad   time.Duration
	WaitedForTurn   time.Duration
	// Attempts are those that have ended, Time is how long one took on average.
	Attempts int
	Time     time.Duration
	// Alone are attempts of which no other ran at any time, of the first 16 such ones.
	// Measured is what they took: CPU is the processor time of the process over the
	// duration, of all together; MemoryMB is the most by which the Go heap grew in one,
	// garbage included, looked at each tenth of a second and at the end. Memory outside
	// of the heap, as of C code, is not seen, and what other runs and goroutines do
	// meanwhile is. Zero when there are none; CPU is, where it cannot be told.
	Alone    int
	Measured Resources
}

// String says what the task waited for, or is empty when it did not.
func (t *TaskResources) String() string {
	var parts []string
	for _, w := range []struct {
		took time.Duration
		what string
	}{{t.WaitedForCPU, "CPU"}, {t.WaitedForMemory, "memory"}, {t.WaitedForLoad, "less load"}, {t.WaitedForTurn, "its turn"}} {
		if w.took > 0 {
			parts = append(parts, fmt.Sprintf("%s for %s", short(w.took), w.what))
		}
	}
	if parts == nil {
		return ""
	}
	return "waited " + strings.Join(parts, ", ")
}

// MarshalJSON encodes the report. Durations are in seconds.
func (t TaskResources) MarshalJSON() ([]byte, error) {
	type measured struct {
		Attempts int     `json:"attempts"`
		CPU      float64 `json:"cpu"`
		MemoryMB float64 `json:"memory_mb"`
	}
	var alone *measured
	if t.Alone > 0 {
		alone = &measured{t.Alone, t.Measured.CPU, t.Measured.MemoryMB}
	}
	return json.Marshal(struct {
		Needs     Resources `json:"needs"`
		Oversized bool      `json:"oversized,omitempty"`
		Waits     int       `json:"waits,omitempty"`
		ForCPU    float64   `json:"waited_for_cpu_seconds,omitempty"`
		ForMemory float64   `json:"waited_for_memory_seconds,omitempty"`
		ForLoad   float64   `json:"waited_for_load_seconds,omitempty"`
		ForTurn   float64   `json:"waited_for_turn_seconds,omitempty"`
		Attempts  int       `json:"attempts"`
		Time      float64   `json:"time_seconds"`
		Alone     *measured `json:"measured_alone,omitempty"`
	}{t.Needs, t.Oversized, t.Waits, t.WaitedForCPU.Seconds(), t.WaitedForMemory.Seconds(), t.WaitedForLoad.Seconds(),
		t.WaitedForTurn.Seconds(), t.Attempts, t.Time.Seconds(), alone})
}

// Profile is what tasks need as this run has seen it, for [Profiles] in later ones:
// what was measured of those that ran alone, and at least what they needed by this run,
// since what is measured may be too little: see [TaskResources]. A run with
// [MaxParallel](1) has every task run alone. Tasks of which nothing is known are left
// out, and so are all tasks of a run without [ResourceAware].
func (r *Report) Profile() map[string]Resources {
	profile := map[string]Resources{}
	for i := range r.Tasks {
		t := r.Tasks[i].Resources
		if t == nil {
			continue
		}
		needs := t.Needs
		needs.CPU, needs.MemoryMB = max(needs.CPU, t.Measured.CPU), max(needs.MemoryMB, t.Measured.MemoryMB)
		if needs != (Resources{}) {
			profile[r.Tasks[i].Name] = needs
		}
	}
	return profile
}

// report tells of the run, nil when it is not resource-aware.
func (a *awareness) report() *ResourceReport {
	if a == nil {
		return nil
	}
	return &ResourceReport{Budget: resourcesOf(a.gate.Limit), Peak: resourcesOf(a.gate.Peak()),
		CPUSource: a.machine.CPUSource, MemorySource: a.machine.MemorySource}
}

// task tells of a task, nil when the run is not resource-aware.
func (a *awareness) task(n int32) *TaskResources {
	if a == nil {
		return nil
	}
	c := a.gate.Of(n)
	if !a.x.timed {
		clear(c.Waited[:])
	}
	_, oversized := slices.BinarySearch(a.oversized, n)
	t := &TaskResources{
		Needs: a.x.config.needsOf(a.x.plan.nodes[n].task), Oversized: oversized, Waits: c.Waits,
		WaitedForCPU: c.Waited[budget.ForCPU], WaitedForMemory: c.Waited[budget.ForMemory],
		WaitedForLoad: c.Waited[budget.ForLoad], WaitedForTurn: c.Waited[budget.ForTurn],
		Attempts: c.Attempts, Alone: c.Alone,
	}
	if c.Attempts > 0 {
		t.Time = c.Time / time.Duration(c.Attempts)
	}
	if c.Alone > 0 {
		t.Measured.MemoryMB = float64(c.Memory) / mega
		if c.Wall > 0 {
			t.Measured.CPU = math.Round(1000*c.CPU.Seconds()/c.Wall.Seconds()) / 1000
		}
	}
	return t
}

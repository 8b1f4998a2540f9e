package runnel

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Resources is what one attempt of a task needs at its peak. The zero value
// needs nothing.
type Resources struct {
	CPU      float64 `json:"cpu"`       // cores; fractions are fine
	MemoryMB float64 `json:"memory_mb"` // megabytes, 1 MB = 10⁶ bytes
	// IOBound says that the task mostly waits, for a network or a disk: CPU does not
	// count then, and a machine that is short of processors does not hold the task up.
	IOBound bool `json:"io_bound,omitempty"`
}

// problem says what is wrong with the numbers, or nothing.
func (r Resources) problem(what string) string {
	if isAmount(r.CPU) && isAmount(r.MemoryMB) {
		return ""
	}
	return fmt.Sprintf("%s must be finite numbers of 0 or more, got CPU %v and MemoryMB %v: leave out what is not known", what, r.CPU, r.MemoryMB)
}

// String is what is needed, in words.
func (r Resources) String() string {
	var parts []string
	if r.CPU > 0 && !r.IOBound {
		unit := " CPUs"
		if r.CPU == 1 {
			unit = " CPU"
		}
		parts = append(parts, decimal(r.CPU)+unit)
	}
	if r.MemoryMB > 0 {
		parts = append(parts, decimal(r.MemoryMB)+" MB")
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, " and ")
}

// decimal writes a number with two digits after the point at most.
func decimal(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

func isAmount(v float64) bool { return v >= 0 && v <= math.MaxFloat64 }

// Needs declares what the task needs while it runs; of a mapped task, what each
// element does. It can be read from the task. Runs with [ResourceAware] start the task
// when there is that much left.
func Needs(r Resources) TaskOption {
	return taskOption(func(c *taskConfig) {
		if text := r.problem("Needs"); text != "" {
			c.problem("%s", text)
		}
		c.needs = r
	})
}

// Budget is what the tasks of a run may need at once. The zero value is 80 % of the
// processors and of the memory that the process has.
type Budget struct {
	// MaxCPUPercent and MaxMemoryPercent are the shares of the machine that the needs of
	// the tasks that run may add up to, above 0 and at most 100. 0 is 80.
	//
	// While less than the rest of the memory is available, whoever has taken it, or
	// more than MaxCPUPercent of the time work waits for processors, no task starts
	// beyond MinParallel.
	MaxCPUPercent    float64
	MaxMemoryPercent float64
	// MinParallel is how many tasks run at once however loaded the machine is, if what
	// they need fits; where processors are short, how many that are not IOBound. 0 is 1.
	MinParallel int
	// MaxParallel is the same as the option [MaxParallel]; of the two the smaller
	// counts. 0 is no limit.
	MaxParallel int
	// Strict refuses a run that has a task which needs more than the whole budget.
	// Without it such a task runs alone, and the event [TaskOversized] names it.
	Strict bool
	// Machine is what there is, in the place of what is found: what this process may
	// use by its container, its limits and its host. A field that is 0 is found.
	Machine Resources
}

// budgetDefault is of MaxCPUPercent and MaxMemoryPercent.
const budgetDefault = 80

// ResourceAware starts a task only when what it needs fits what the budget has left:
// [Needs] declares it, or [Profiles] for one run. Those that do not fit wait in line.
// Smaller ones may go ahead of them, but only so often. Tasks that have declared
// nothing need nothing.
//
// What a task needs it has while an attempt goes on, and not while it waits for the
// next one. A run inside a task has what that task declared as the most of its own
// budget, if it is resource-aware as well: declare for a task that runs a pipeline what
// the whole of it needs. Otherwise runs do not know of each other.
func ResourceAware(b Budget) RunOption {
	return runOption(func(c *runConfig) {
		c.aware, c.budget = true, b
		percent := func(name string, v *float64) {
			if !(*v >= 0 && *v <= 100) {
				c.problem("ResourceAware: %s must be above 0 and at most 100, got %v: leave it out for %d", name, *v, budgetDefault)
			}
			if *v == 0 {
				*v = budgetDefault
			}
		}
		percent("MaxCPUPercent", &c.budget.MaxCPUPercent)
		percent("MaxMemoryPercent", &c.budget.MaxMemoryPercent)
		switch {
		case b.MinParallel < 0:
			c.problem("ResourceAware: MinParallel must be 0 or more, got %d: leave it out for 1", b.MinParallel)
		case b.MaxParallel < 0:
			c.problem("ResourceAware: MaxParallel must be 0 or more, got %d: leave it out for no limit", b.MaxParallel)
		case b.MaxParallel > 0 && b.MinParallel > b.MaxParallel:
			c.problem("ResourceAware: MinParallel is %d and MaxParallel %d: the least cannot be more than the most", b.MinParallel, b.MaxParallel)
		}
		c.budget.MinParallel = max(1, b.MinParallel)
		if text := b.Machine.problem("ResourceAware: the fields of Machine"); text != "" {
			c.problem("%s", text)
		}
	})
}

// Profiles overrules in one run what tasks have declared with [Needs], by their names.
// [Report.Profile] makes such a map of an earlier run. It needs [ResourceAware].
func Profiles(needs map[string]Resources) RunOption {
	needs = maps.Clone(needs)
	return runOption(func(c *runConfig) {
		if c.profiles == nil {
			c.profiles = map[string]Resources{}
		}
		maps.Copy(c.profiles, needs)
	})
}

// checkProfiles holds profiles against the tasks of the pipeline.
func (c *runConfig) checkProfiles(g *built) {
	if c.profiles != nil && !c.aware {
		c.problem("Profiles tells what tasks need, and this run does not ask: add ResourceAware, or drop it")
	}
	for _, name := range slices.Sorted(maps.Keys(c.profiles)) {
		if _, ok := g.names[name]; !ok {
			c.problem("Profiles: there is no task %q"+hintMark+": use the names of tasks, as Report.Profile does", name)
			hintFor(c.problems, name, maps.Keys(g.names))
		}
		if text := c.profiles[name].problem(fmt.Sprintf("Profiles: the needs of task %q", name)); text != "" {
			c.problem("%s", text)
		}
	}
}

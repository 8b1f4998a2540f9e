package runnel_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// calm is a budget of a machine that is under no load, whatever this one is.
func calm(cpu, memoryMB float64) runnel.Budget {
	return runnel.Budget{MaxCPUPercent: 100, MaxMemoryPercent: 100, Machine: runnel.Resources{CPU: cpu, MemoryMB: memoryMB}}
}

func wantParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nlacks %q", text, part)
		}
	}
}

func TestBadBudgets(t *testing.T) {
	p := pipelineOf(t, runnel.NewTask("a", constant(1)))
	for _, c := range []struct {
		budget runnel.Budget
		want   string
	}{
		{runnel.Budget{MaxCPUPercent: -1}, "ResourceAware: MaxCPUPercent must be above 0 and at most 100, got -1: leave it out for 80"},
		{runnel.Budget{MaxCPUPercent: math.NaN()}, "MaxCPUPercent must be above 0 and at most 100, got NaN"},
		{runnel.Budget{MaxMemoryPercent: 100.5}, "MaxMemoryPercent must be above 0 and at most 100, got 100.5"},
		{runnel.Budget{MinParallel: -1}, "ResourceAware: MinParallel must be 0 or more, got -1: leave it out for 1"},
		{runnel.Budget{MaxParallel: -2}, "ResourceAware: MaxParallel must be 0 or more, got -2: leave it out for no limit"},
		{runnel.Budget{MinParallel: 3, MaxParallel: 2}, "ResourceAware: MinParallel is 3 and MaxParallel 2: the least cannot be more than the most"},
		{runnel.Budget{Machine: runnel.Resources{CPU: -4}}, "the fields of Machine must be finite numbers of 0 or more, got CPU -4 and MemoryMB 0"},
		{runnel.Budget{Machine: runnel.Resources{MemoryMB: math.Inf(1)}}, "got CPU 0 and MemoryMB +Inf"},
	} {
		wantProblems(t, inputProblems(t, p, nil, runnel.ResourceAware(c.budget)), c.want)
	}
	for _, fine := range []runnel.Budget{{}, {MaxCPUPercent: 80, MaxMemoryPercent: 80, MinParallel: 1}, {MaxCPUPercent: 0.1}, {MaxParallel: 1, MinParallel: 1}, {MinParallel: 9}} {
		if err := p.Check(nil, runnel.ResourceAware(fine)); err != nil {
			t.Errorf("%+v: %v", fine, err)
		}
	}
}

func TestBadProfiles(t *testing.T) {
	p := pipelineOf(t, runnel.NewTask("features", constant(1)), runnel.NewTask("stats", constant(1)))
	aware := runnel.ResourceAware(runnel.Budget{})
	wantProblems(t, inputProblems(t, p, nil, aware, runnel.Profiles(map[string]runnel.Resources{"stat": {CPU: 1}, "features": {CPU: 1}, "zzz": {}})),
		`Profiles: there is no task "stat" (did you mean "stats"?): use the names of tasks, as Report.Profile does`,
		`Profiles: there is no task "zzz": use`)
	wantProblems(t, inputProblems(t, p, nil, aware, runnel.Profiles(map[string]runnel.Resources{"stats": {CPU: -1}})),
		`Profiles: the needs of task "stats" must be finite numbers of 0 or more, got CPU -1 and MemoryMB 0: leave out what is not known`)
	wantProblems(t, inputProblems(t, p, nil, runnel.Profiles(map[string]runnel.Resources{"stats": {CPU: 1}})),
		`Profiles tells what tasks need, and this run does not ask: add ResourceAware, or drop it`)
	// A task that the run does without is known all the same.
	if err := p.Check(nil, aware, runnel.Targets("stats"), runnel.Profiles(map[string]runnel.Resources{"features": {CPU: 1}})); err != nil {
		t.Error(err)
	}
}

func TestResourceAwareIsForThisProcess(t *testing.T) {
	p := pipelineOf(t, runnel.NewTask("a", constant(1)))
	b := &broker.Memory{}
	const want = "ResourceAware cannot be used with WithBroker: it counts what this process has, and workers have their own: drop it, and give each kind of task a Queue"
	wantProblems(t, inputProblems(t, p, nil, runnel.ResourceAware(runnel.Budget{}), runnel.WithBroker(b)), want)
	_, err := p.Submit(t.Context(), nil, runnel.ResourceAware(runnel.Budget{}), runnel.WithBroker(b))
	wantProblems(t, asInputError(t, err).Problems, want)
	_, err = p.Attach(t.Context(), "r1", runnel.ResourceAware(runnel.Budget{}), runnel.WithBroker(b))
	wantProblems(t, asInputError(t, err).Problems, "Attach takes WithBroker, Observe and Timings only")
}

// TestStrictRefusesWhatIsLargerThanTheBudget: all such tasks at once, with the place
// and the figures.
func TestStrictRefusesWhatIsLargerThanTheBudget(t *testing.T) {
	p := pipelineOf(t,
		runnel.NewTask("big", constant(1), runnel.Needs(runnel.Resources{MemoryMB: 241})),
		runnel.NewTask("wide", constant(1), runnel.Needs(runnel.Resources{CPU: 3.3})),
		runnel.NewTask("waits", constant(1), runnel.Needs(runnel.Resources{CPU: 3.3, IOBound: true})),
		runnel.NewTask("fits", constant(1), runnel.Needs(runnel.Resources{CPU: 3.2, MemoryMB: 240})))
	b := runnel.Budget{Strict: true, Machine: runnel.Resources{CPU: 4, MemoryMB: 300}}
	wantProblems(t, inputProblems(t, p, nil, runnel.ResourceAware(b)),
		`task "big" (resources_test.go:…): it needs 241 MB, which is more than the whole budget of 3.2 CPUs and 240 MB (CPU by Budget.Machine; memory by Budget.Machine): correct what it needs, raise the budget, or drop Strict to run it alone`,
		`task "wide" (resources_test.go:…): it needs 3.3 CPUs, which is more`)
	// What the run does without, or a profile corrects, is no matter.
	if err := p.Check(nil, runnel.ResourceAware(b), runnel.Targets("fits")); err != nil {
		t.Error(err)
	}
	if err := p.Check(nil, runnel.ResourceAware(b), runnel.Profiles(map[string]runnel.Resources{"big": {}, "wide": {CPU: 1}})); err != nil {
		t.Error(err)
	}
	b.Strict = false
	if err := p.Check(nil, runnel.ResourceAware(b)); err != nil {
		t.Error(err)
	}
}

// TestTheMachineIsFound: without Budget.Machine the report says what there is, and by
// what.
func TestTheMachineIsFound(t *testing.T) {
	p := pipelineOf(t, runnel.NewTask("a", constant(1), runnel.Needs(runnel.Resources{CPU: 0.001, MemoryMB: 0.001})))
	r := mustRun(t, p, nil, runnel.ResourceAware(runnel.Budget{MaxCPUPercent: 50, MaxMemoryPercent: 50})).Report().Resources
	if r.Budget.CPU <= 0 || r.CPUSource == "" || r.MemorySource == "" || r.Peak != (runnel.Resources{CPU: 0.001, MemoryMB: 0.001}) {
		t.Errorf("the report is %+v", r)
	}
	all := mustRun(t, p, nil, runnel.ResourceAware(runnel.Budget{MaxCPUPercent: 100, MaxMemoryPercent: 100})).Report().Resources
	if math.Abs(all.Budget.CPU-2*r.Budget.CPU) > 0.001 {
		t.Errorf("half of the processors are %v, all are %v", r.Budget.CPU, all.Budget.CPU)
	}
}

// TestReportOfResources: as text, as JSON, and in no report of other runs.
func TestReportOfResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nap := func(context.Context, nothing) (int, error) { time.Sleep(2 * time.Second); return 1, nil }
		needs := runnel.Needs(runnel.Resources{CPU: 1, MemoryMB: 200})
		p := pipelineOf(t, runnel.NewTask("a", nap, needs), runnel.NewTask("b", nap, needs), runnel.NewTask("c", nap))
		plain := mustRun(t, p, nil).Report()
		if plain.Resources != nil || plain.Tasks[0].Resources != nil || len(plain.Profile()) > 0 {
			t.Errorf("a run without the option tells of resources: %+v", plain)
		}
		r := mustRun(t, p, nil, runnel.RunID("r1"), runnel.ResourceAware(calm(4, 300))).Report()
		late := r.Tasks[2]
		if late.Started.Sub(r.Started) != 2*time.Second || late.Waited != 2*time.Second {
			t.Fatalf("the last task is %+v", late)
		}
		wantParts(t, r.String(), "waited 2s for memory", "resources: 1 CPU and 200 MB at most, of a budget of 4 CPUs and 300 MB\n")
		got := late.Resources
		if got.Waits != 1 || got.WaitedForMemory != 2*time.Second || got.WaitedForCPU != 0 || got.Needs != (runnel.Resources{CPU: 1, MemoryMB: 200}) ||
			got.Attempts != 1 || got.Time != 2*time.Second || got.Oversized {
			t.Errorf("of the last task: %+v", got)
		}
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		wantParts(t, string(data),
			`"resources":{"budget":{"cpu":4,"memory_mb":300},"peak":{"cpu":1,"memory_mb":200},"cpu_source":"Budget.Machine","memory_source":"Budget.Machine"}`,
			`"resources":{"needs":{"cpu":1,"memory_mb":200},"waits":1,"waited_for_memory_seconds":2,"attempts":1,"time_seconds":2`)
	})
}

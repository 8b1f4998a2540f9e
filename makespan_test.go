package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/internal/wfformat"
)

// workers are the limits under which workflows run in virtual time.
var workers = []int{1, 2, 7, 64}

// TestMakespanOfRecordedWorkflows is the proof that no barrier stands between
// levels, on workflows that were recorded in production: see [makespan].
func TestMakespanOfRecordedWorkflows(t *testing.T) {
	for path, w := range recordedWorkflows(t) {
		if twice := producedTwice(w); len(twice) > 0 {
			continue // no graph: TestTwoProducersInARecordedWorkflow
		}
		t.Run(filepath.Base(path), func(t *testing.T) { makespan(t, w) })
	}
}

// TestMakespanOfGeneratedWorkflows is the same on small generated workflows,
// whose lengths are uneven so that a barrier would show.
func TestMakespanOfGeneratedWorkflows(t *testing.T) {
	generated := []*wfformat.Workflow{wfformat.Chain(1), wfformat.Chain(100), wfformat.ForkJoin(1), wfformat.ForkJoin(100)}
	for seed := range uint64(20) {
		generated = append(generated, wfformat.Random(seed, 10+20*int(seed)))
	}
	for _, w := range generated {
		t.Run(w.Name, func(t *testing.T) { makespan(t, w) })
	}
}

// TestBarrierWouldShow: with a barrier between levels most of these workflows
// would take longer than their critical path, so that the tests above can fail.
func TestBarrierWouldShow(t *testing.T) {
	shows := 0
	for seed := range uint64(20) {
		w := wfformat.Random(seed, 10+20*int(seed))
		g, err := pipelineOf(t, workflowTasks(w)...).Graph()
		if err != nil {
			t.Fatal(err)
		}
		runtimes := map[string]time.Duration{}
		for _, task := range w.Tasks {
			runtimes[task.ID] = task.Runtime
		}
		var barred time.Duration
		for _, level := range g.Levels() {
			var longest time.Duration
			for _, n := range level {
				longest = max(longest, runtimes[n.Name])
			}
			barred += longest
		}
		if barred > w.CriticalPath() {
			shows++
		}
	}
	if shows < 15 {
		t.Errorf("levels one after the other are slower than the critical path in %d of 20 workflows, want nearly all", shows)
	}
}

// makespan runs a workflow whose tasks sleep as long as they were recorded to
// take. Without a limit that takes exactly the critical path. With p workers it
// takes what every schedule takes that leaves no worker idle beside a ready
// task: at least max(CP, work/p), at most work/p + CP·(1−1/p) (Graham, "Bounds
// on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969).
func makespan(t *testing.T, w *wfformat.Workflow) {
	p, files := workflowPipeline(t, w)
	cp, work := w.CriticalPath(), w.Work()
	late := time.Duration(0)
	if runnel.HasWorkers() {
		// Short tasks share messages: one may wait for a long one in front of it, for up to
		// ten milliseconds, at each level.
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		late = time.Duration(len(g.Levels())) * 10 * time.Millisecond
	}
	for _, limit := range append([]int{0}, workers...) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			res, err := p.Run(t.Context(), files, runnel.MaxParallel(limit))
			took := time.Since(start)
			if err != nil {
				t.Fatalf("limit %d: %v", limit, err)
			}
			if limit == 0 {
				if took < cp || took > cp+late {
					t.Errorf("without a limit the run took %v, the critical path is %v: something waited for what it does not need", took, cp)
				}
			} else if n := time.Duration(limit); took < cp || took*n < work || (took-late)*n > work+cp*(n-1) {
				t.Errorf("%d workers took %v, want at least the critical path %v and %v of work / %d, and at most work/%d + the rest of the critical path = %v",
					limit, took, cp, work, limit, limit, (work+cp*(n-1))/n)
			}
			report := res.Report()
			if report.Totals.Succeeded != len(w.Tasks) || report.Duration != took {
				t.Errorf("limit %d: the report has %d of %d tasks succeeded in %v, the run took %v", limit, report.Totals.Succeeded, len(w.Tasks), report.Duration, took)
			}
			if limit > 0 && report.PeakParallel > limit {
				t.Errorf("limit %d: %d tasks ran at once", limit, report.PeakParallel)
			}
		})
	}
}

// workflowPipeline makes a pipeline of a workflow, its files being the data, and
// the values of the files that no task writes. Each file's value is the ID of
// the task that wrote it.
func workflowPipeline(t *testing.T, w *wfformat.Workflow) (*runnel.Pipeline, runnel.Values) {
	p := pipelineOf(t, workflowTasks(w)...)
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	parents := make(map[string][]string, len(w.Tasks))
	for _, e := range g.Edges() {
		parents[e.To.Name] = append(parents[e.To.Name], e.From.Name)
	}
	for _, task := range w.Tasks {
		got, want := slices.Sorted(slices.Values(parents[task.ID])), slices.Sorted(slices.Values(task.Parents))
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Fatalf("task %s waits for %v in the graph inferred from its files, recorded are %v", task.ID, got, want)
		}
	}
	files := runnel.Values{}
	for _, name := range g.ExternalInputs() {
		files[name] = ""
	}
	return p, files
}

func workflowTasks(w *wfformat.Workflow) []runnel.AnyTask {
	writer := map[string]string{}
	for file, ids := range w.Producers() {
		writer[file] = ids[0]
	}
	order := w.OrderOnly()
	tasks := make([]runnel.AnyTask, len(w.Tasks))
	for i, task := range w.Tasks {
		fn := func(_ context.Context, in runnel.Values) (runnel.Values, error) {
			if len(in) != len(task.Inputs) {
				return nil, fmt.Errorf("got %d files, want %d", len(in), len(task.Inputs))
			}
			for _, file := range task.Inputs {
				if in[file] != writer[file] {
					return nil, fmt.Errorf("file %s is by %v, want by %q", file, in[file], writer[file])
				}
			}
			if task.Runtime > 0 {
				time.Sleep(task.Runtime)
			}
			out := make(runnel.Values, len(task.Outputs))
			for _, file := range task.Outputs {
				out[file] = task.ID
			}
			return out, nil
		}
		var opts []runnel.TaskOption
		if after := order[task.ID]; len(after) > 0 {
			opts = append(opts, runnel.After(after...))
		}
		tasks[i] = runnel.NewValuesTask(task.ID, task.Inputs, task.Outputs, fn, opts...)
	}
	return tasks
}

// TestTwoProducersInARecordedWorkflow: a workflow in which several tasks write
// one file is refused, and the error names each such file and its writers.
func TestTwoProducersInARecordedWorkflow(t *testing.T) {
	seen := false
	for path, w := range recordedWorkflows(t) {
		twice := producedTwice(w)
		if len(twice) == 0 {
			continue
		}
		seen = true
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := runnel.FromTasks(workflowTasks(w)...)
			wrong, ok := errors.AsType[*runnel.BuildError](err)
			if !ok {
				t.Fatalf("error %v, want a *BuildError", err)
			}
			for file, ids := range twice {
				for _, id := range ids[1:] {
					if !slices.ContainsFunc(wrong.Problems, func(p runnel.Problem) bool {
						return p.Task == id && strings.Contains(p.Text, fmt.Sprintf("%q", file)) && strings.Contains(p.Text, fmt.Sprintf("%q", ids[0]))
					}) {
						t.Errorf("no problem names file %s with its writers %s and %s", file, ids[0], id)
					}
				}
			}
			if text := err.Error(); !strings.Contains(text, "makespan_test.go:") {
				t.Errorf("the error does not say where the tasks were declared:\n%s", text)
			}
		})
	}
	if !seen {
		t.Skip("no recorded workflow has a file of two producers")
	}
}

// producedTwice is the files that more than one task writes.
func producedTwice(w *wfformat.Workflow) map[string][]string {
	twice := map[string][]string{}
	for file, ids := range w.Producers() {
		if len(ids) > 1 {
			twice[file] = ids
		}
	}
	return twice
}

// recordedWorkflows reads the instances beside the repository, by path. It skips
// the test when there are none.
func recordedWorkflows(t *testing.T) map[string]*wfformat.Workflow {
	dir, ok := wfformat.Find()
	if !ok {
		t.Skipf("no recorded workflows beside the repository; set %s to a folder of them", wfformat.EnvDir)
	}
	paths, err := wfformat.Instances(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*wfformat.Workflow{}
	for _, path := range paths {
		if plain, zipped := strings.CutSuffix(path, ".gz"); zipped && slices.Contains(paths, plain) {
			continue // the same workflow
		}
		w, err := wfformat.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = w
	}
	return found
}

package natsbroker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// enter writes what a task did to the ledger of its run, as a task would that writes
// to a table with its idempotency key as the primary key: entries of one key count
// once.
func enter(ctx context.Context, value string) error {
	dir := os.Getenv(envLedger)
	if dir == "" {
		return nil
	}
	info := runnel.Info(ctx)
	f, err := os.OpenFile(filepath.Join(dir, info.RunID), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s %s %d\n", info.IdempotencyKey, value, time.Now().UnixMilli())
	return err
}

// entries are what the ledger of a run has of a key.
type entries struct {
	value string
	at    []time.Time
}

// readLedger is what was done, by key.
func readLedger(t *testing.T, dir, run string) map[string]*entries {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, run))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	done := map[string]*entries{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var key, value string
		var milli int64
		_, err := fmt.Sscan(lines.Text(), &key, &value, &milli)
		e := done[key]
		if err != nil || e != nil && e.value != value {
			t.Errorf("run %s: the ledger has the entry %q, %v, and %+v before", run, lines.Text(), err, e)
			continue
		}
		if e == nil {
			e = &entries{value: value}
			done[key] = e
		}
		e.at = append(e.at, time.UnixMilli(milli))
	}
	return done
}

// graphSize is the number of tasks of the graph.
const graphSize = 200

// graphPlan is, for each task of the graph, the tasks that it takes values of.
func graphPlan() [][]int {
	seed, _ := strconv.ParseUint(os.Getenv(envSeed), 10, 64)
	r := rand.New(rand.NewPCG(seed, 2))
	plan := make([][]int, graphSize)
	for k := range plan {
		for j := max(0, k-1-r.IntN(30)); j < k && len(plan[k]) < 3; j += 1 + r.IntN(10) {
			plan[k] = append(plan[k], j)
		}
	}
	return plan
}

func graphName(k int) string { return fmt.Sprintf("g%03d", k) }

// graphValue is what a task of the graph makes of its inputs.
func graphValue(k int, inputs []string) string {
	h := fnv.New64a()
	fmt.Fprintln(h, k, inputs)
	return strconv.FormatUint(h.Sum64(), 36)
}

// graphTasks are the tasks of the graph. What each does is written to the ledger.
func graphTasks() []runnel.AnyTask {
	var tasks []runnel.AnyTask
	for k, takes := range graphPlan() {
		names := make([]string, len(takes))
		for i, j := range takes {
			names[i] = graphName(j)
		}
		tasks = append(tasks, runnel.NewValuesTask(graphName(k), names, []string{graphName(k)}, func(ctx context.Context, in runnel.Values) (runnel.Values, error) {
			pause(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
			inputs := make([]string, len(names))
			for i, name := range names {
				inputs[i] = in[name].(string)
			}
			v := graphValue(k, inputs)
			return runnel.Values{graphName(k): v}, enter(ctx, v)
		}))
	}
	return tasks
}

// graphResult is what all of the graph comes to, by name.
func graphResult() map[string]string {
	all := map[string]string{}
	for k, takes := range graphPlan() {
		inputs := make([]string, len(takes))
		for i, j := range takes {
			inputs[i] = all[graphName(j)]
		}
		all[graphName(k)] = graphValue(k, inputs)
	}
	return all
}

// loadOf is the pipeline of a run: of elements, or without any the graph.
func loadOf(count int) *runnel.Pipeline {
	if count == 0 {
		return runnel.NewPipeline(runnel.PipelineName("graph")).Add(graphTasks()...)
	}
	return runnel.NewPipeline(runnel.PipelineName("elements")).Add(numbers, squares, halves, total)
}

// entriesOf are the entries that the ledger has of a run, by key, when all is done.
func entriesOf(run string, count int) map[string]string {
	want := map[string]string{}
	if count == 0 {
		for name, value := range graphResult() {
			want[run+"/"+name] = value
		}
		return want
	}
	want[run+"/numbers"], want[run+"/total"] = strconv.Itoa(count), floatText(totalOf(count))
	for k := range count {
		want[fmt.Sprintf("%s/squares[%d]", run, k)] = strconv.Itoa(k * k)
		want[fmt.Sprintf("%s/halves[%d]", run, k)] = floatText(float64(k*k) / 2)
	}
	return want
}

// How the process of a run begins it.
const (
	driven    = "driven"    // by Run, and drives it
	submitted = "submitted" // by Submit, and waits for it
	direct    = "direct"    // by Run with DirectResults
)

// outcome is what the process of a run tells.
type outcome struct {
	Total            float64           // of a run with elements
	Squares, Halves  int               // elements that succeeded
	Values           map[string]string // of the graph
	Tasks, Succeeded int
	Error            string
}

// playRun is the process of a run: it starts it, or takes it up again.
func playRun(ctx context.Context) error {
	b, err := connect(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	count, _ := strconv.Atoi(os.Getenv(envCount))
	p, in := loadOf(count), runnel.Values{}
	if count > 0 {
		in["count"] = count
	}
	fmt.Println("ready")
	var res *runnel.Result
	switch id := os.Getenv(envRun); os.Getenv(envHow) {
	case driven:
		// A coordinator may take it over when this process was stopped: then it is waited for,
		// and if that has ended it already, asked for.
		for again := true; again; again = errors.Is(err, broker.ErrClaimed) || errors.Is(err, broker.ErrClosed) {
			res, err = p.Run(ctx, in, runnel.WithBroker(b), runnel.RunID(id))
		}
	case submitted:
		if _, err = p.Submit(ctx, in, runnel.WithBroker(b), runnel.RunID(id)); err != nil {
			return err
		}
		var r *runnel.Run
		if r, err = p.Attach(ctx, id, runnel.WithBroker(b)); err != nil {
			return err
		}
		res, err = r.Wait(ctx)
	case direct:
		res, err = p.Run(ctx, in, runnel.WithBroker(b), runnel.DirectResults(), runnel.MaxParallel(directLimit), runnel.Observe(func(e runnel.Event) {
			if e, ok := e.(runnel.RunStarted); ok {
				fmt.Println(e.RunID)
			}
		}))
	}
	return json.NewEncoder(os.Stdout).Encode(outcomeOf(res, err, count))
}

// directLimit bounds the slots that workers keep for a direct run whose process is dead.
const directLimit = 6

func outcomeOf(res *runnel.Result, err error, count int) outcome {
	var o outcome
	if err != nil {
		o.Error = err.Error()
	}
	totals := res.Report().Totals
	o.Tasks, o.Succeeded = totals.Tasks, totals.Succeeded
	if count == 0 {
		o.Values = map[string]string{}
		for name, v := range res.Outputs() {
			o.Values[name], _ = v.(string)
		}
		return o
	}
	o.Total, _ = total.Get(res)
	for name, n := range map[string]*int{"squares": &o.Squares, "halves": &o.Halves} {
		if task, ok := res.Report().Task(name); ok && task.Elements != nil {
			*n = task.Elements.Succeeded
		}
	}
	return o
}

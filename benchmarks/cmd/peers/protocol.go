package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/shape"
)

// A peer is a program in Python that runs a graph. Each task returns a number made
// of its own and those that it takes, so that it can be told whether all was done.
type peer struct {
	name   string
	script string
}

var (
	//go:embed dask_graph.py
	daskScript string
	//go:embed taskiq_flow_graph.py
	taskiqFlowScript string

	peers = []peer{{"Dask", daskScript}, {"Taskiq-Flow", taskiqFlowScript}}
)

// job is what a peer is told: the producers of each task, and how often to run.
type job struct {
	Deps    [][]int32 `json:"deps"`
	Sinks   []int     `json:"sinks"` // the tasks whose values are summed up
	Rounds  int       `json:"rounds"`
	Procs   int       `json:"procs"`
	Modulus int64     `json:"modulus"`
}

// answer is what it says. Times are in nanoseconds.
type answer struct {
	Missing string    `json:"missing"` // why it cannot run here
	Version string    `json:"version"`
	Build   float64   `json:"build"`
	Runs    []float64 `json:"runs"`
	Sum     int64     `json:"sum"`
}

// modulus keeps the numbers small.
const modulus = 1_000_003

func newJob(g *shape.Graph, rounds, procs int) job {
	j := job{Rounds: rounds, Procs: procs, Modulus: modulus}
	for i := range g.N() {
		j.Deps = append(j.Deps, append([]int32{}, g.Deps(i)...))
		if len(g.Succ(i)) == 0 {
			j.Sinks = append(j.Sinks, i)
		}
	}
	return j
}

// sum is what a peer has to come to.
func (j job) sum() int64 {
	values, total := make([]int64, len(j.Deps)), int64(0)
	for i, deps := range j.Deps {
		values[i] = 1 + int64(i)
		for _, d := range deps {
			values[i] += values[d]
		}
		values[i] %= modulus
	}
	for _, i := range j.Sinks {
		total += values[i]
	}
	return total % modulus
}

// errMissing is that a peer is not installed. The text says what is missing.
var errMissing = errors.New("not installed")

// run runs a job with a peer.
func (p peer) run(ctx context.Context, python string, j job, env ...string) (answer, error) {
	path, err := exec.LookPath(python)
	if err != nil {
		return answer{}, fmt.Errorf("%w: there is no %s", errMissing, python)
	}
	in, err := json.Marshal(j)
	if err != nil {
		return answer{}, err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "-c", p.script)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &said
	if err := cmd.Run(); err != nil {
		return answer{}, fmt.Errorf("%s: %w\n%s", p.name, err, said.Bytes())
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return answer{}, fmt.Errorf("%s: want a JSON object on standard output, got %q: %w", p.name, out.Bytes(), err)
	}
	switch {
	case a.Missing != "":
		return answer{}, fmt.Errorf("%w for %s: %s", errMissing, path, a.Missing)
	case len(a.Runs) != j.Rounds:
		return answer{}, fmt.Errorf("%s ran %d times, want %d", p.name, len(a.Runs), j.Rounds)
	case a.Sum != j.sum():
		return answer{}, fmt.Errorf("%s came to %d, want %d: it did not run every task", p.name, a.Sum, j.sum())
	}
	return a, nil
}

// perTask are the medians in nanoseconds a task.
func (a answer) perTask(n int) (build, run float64) {
	return a.Build / float64(n), measure.Median(a.Runs) / float64(n)
}

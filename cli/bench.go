package cli

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
)

// measurement is what several runs of a pipeline took.
type measurement struct {
	runs   []time.Duration // sorted
	allocs []uint64        // objects a run, sorted
	bytes  []uint64
	tasks  map[string][]time.Duration
	middle *runnel.Report // of the median run
}

// bench measures whole runs of a pipeline.
func (c *call) bench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "runs a pipeline several times and shows what it takes",
		Long: `One run after another: the time and the allocations of whole runs, the time of each
task, and the critical path. A first run, which warms up, does not count.`,
	}
	return c.eachFlow(cmd, func(cmd *cobra.Command, f *flow) {
		rf := new(runFlags)
		rf.common(cmd)
		flags := cmd.Flags()
		n := flags.IntP("runs", "n", 10, "how many runs count")
		flags.IntVar(&rf.parallel, "max-parallel", 0, "how many tasks run at once (0 is no limit)")
		flags.BoolVar(&rf.json, "json", false, "write JSON")
		g := c.inputFlags(cmd, f)
		complete(cmd, f)
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			if *n < 1 {
				return wrong(cmd, "--runs must be 1 or more, got %d", *n)
			}
			return c.benchFlow(cmd, f, g, rf, *n)
		}
	})
}

func (c *call) benchFlow(cmd *cobra.Command, f *flow, g *given, rf *runFlags, n int) error {
	graph, err := f.needed(cmd, rf.targets)
	if err != nil {
		return err
	}
	in, err := g.values(cmd.Context(), c, cmd, graph)
	if err != nil {
		return err
	}
	ctx, cancel := rf.context(cmd.Context())
	defer cancel()
	opts := rf.options()
	if cmd.Flags().Changed("max-parallel") {
		opts = append(opts, runnel.MaxParallel(rf.parallel))
	}
	m := &measurement{tasks: map[string][]time.Duration{}}
	reports := map[time.Duration]*runnel.Report{}
	progress, finish := c.counter(n)
	defer finish()
	for i := range n + 1 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		res, err := f.p.Run(ctx, in, opts...)
		runtime.ReadMemStats(&after)
		if err != nil {
			finish()
			if refused := f.refused(cmd, err); refused != nil {
				return refused
			}
			c.say("run %d of %d: %v", i+1, n+1, err)
			return status(exitOf(ctx, err))
		}
		progress(i, n)
		if i == 0 {
			continue
		}
		r := res.Report()
		m.runs = append(m.runs, r.Duration)
		m.allocs = append(m.allocs, after.Mallocs-before.Mallocs)
		m.bytes = append(m.bytes, after.TotalAlloc-before.TotalAlloc)
		for _, t := range r.Tasks {
			m.tasks[t.Name] = append(m.tasks[t.Name], t.Duration())
		}
		reports[r.Duration] = r
	}
	finish()
	slices.Sort(m.runs)
	slices.Sort(m.allocs)
	slices.Sort(m.bytes)
	for _, took := range m.tasks {
		slices.Sort(took)
	}
	m.middle = reports[median(m.runs)]
	if rf.json {
		return writeJSON(c.Out, m.json())
	}
	return m.write(c.Out)
}

// median is the middle of what is sorted, the lower one of two.
func median[T any](sorted []T) T { return sorted[(len(sorted)-1)/2] }

// slowest names the tasks by their median time, the longest first.
func (m *measurement) slowest() []string {
	var names []string
	for _, t := range m.middle.Tasks {
		names = append(names, t.Name)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return int(median(m.tasks[b]) - median(m.tasks[a]))
	})
	return names
}

// mostTasks is how many tasks are shown to people.
const mostTasks = 20

func (m *measurement) write(out io.Writer) error {
	n := len(m.runs)
	fmt.Fprintf(out, "%s after one to warm up, GOMAXPROCS=%d\n\n", plural(n, "run", "runs"), runtime.GOMAXPROCS(0))
	t := newTable(out, 2)
	t.row("", "min", "median", "max")
	t.row("time", exact(m.runs[0]), exact(median(m.runs)), exact(m.runs[n-1]))
	t.row("allocations", fmt.Sprint(m.allocs[0]), fmt.Sprint(median(m.allocs)), fmt.Sprint(m.allocs[n-1]))
	t.row("bytes", fmt.Sprint(m.bytes[0]), fmt.Sprint(median(m.bytes)), fmt.Sprint(m.bytes[n-1]))
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\ntasks, the slowest first")
	names := m.slowest()
	for i, name := range names {
		if i == mostTasks {
			t.row(fmt.Sprintf("  and %d more", len(names)-i))
			break
		}
		took := m.tasks[name]
		t.row("  "+clean(name), exact(median(took)), fmt.Sprintf("(%s to %s)", exact(took[0]), exact(took[len(took)-1])))
	}
	if err := t.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\ncritical path of the median run, %s: %s\n", exact(m.middle.CriticalTime), clean(strings.Join(m.middle.CriticalPath, " → ")))
	return err
}

// exact is a duration with three significant digits or so.
func exact(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		switch {
		case d >= 100*unit:
			return d.Round(unit / 10).String()
		case d >= unit:
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

func (m *measurement) json() any {
	type spread struct {
		Min    float64 `json:"min"`
		Median float64 `json:"median"`
		Max    float64 `json:"max"`
	}
	seconds := func(sorted []time.Duration) spread {
		return spread{sorted[0].Seconds(), median(sorted).Seconds(), sorted[len(sorted)-1].Seconds()}
	}
	count := func(sorted []uint64) spread {
		return spread{float64(sorted[0]), float64(median(sorted)), float64(sorted[len(sorted)-1])}
	}
	type task struct {
		Name    string `json:"name"`
		Seconds spread `json:"seconds"`
	}
	tasks := []task{}
	for _, name := range m.slowest() {
		tasks = append(tasks, task{name, seconds(m.tasks[name])})
	}
	return struct {
		Runs         int      `json:"runs"`
		Seconds      spread   `json:"seconds"`
		Allocations  spread   `json:"allocations"`
		Bytes        spread   `json:"bytes"`
		Tasks        []task   `json:"tasks"`
		CriticalPath []string `json:"critical_path"`
		CriticalTime float64  `json:"critical_seconds"`
	}{len(m.runs), seconds(m.runs), count(m.allocs), count(m.bytes), tasks, m.middle.CriticalPath, m.middle.CriticalTime.Seconds()}
}

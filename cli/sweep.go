package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
)

var sweepFormats = []string{"table", "json", "csv"}

// combo is one run of a sweep.
type combo struct {
	params  []string // as they were given, one an axis
	outputs map[string]any
	took    time.Duration
	err     error
}

// sweep runs a pipeline once for each combination of values of its inputs.
func (c *call) sweep() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "runs a pipeline for every combination of some inputs' values",
		Long: `The results are shown side by side. A combination that fails is shown as such, and
the others go on.`,
	}
	return c.eachFlow(cmd, func(cmd *cobra.Command, f *flow) {
		rf := new(runFlags)
		rf.common(cmd)
		flags := cmd.Flags()
		grid := flags.StringArray("grid", nil, "an input and its values, with commas between or as a JSON array; repeated for each input to vary")
		name(flags, "grid", "NAME=VALUES")
		flags.IntVar(&rf.parallel, "max-parallel", runtime.GOMAXPROCS(0), "how many combinations run at once (0 is no limit)")
		flags.Lookup("max-parallel").DefValue = "the processors"
		format := flags.String("format", "table", "table, json or csv")
		name(flags, "format", "FORMAT")
		g := c.inputFlags(cmd, f)
		complete(cmd, f)
		offerFormats(cmd, sweepFormats)
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			if !contains(sweepFormats, *format) {
				return unknownFormat(cmd, *format, sweepFormats)
			}
			return c.sweepFlow(cmd, f, g, rf, *grid, *format)
		}
	})
}

func (c *call) sweepFlow(cmd *cobra.Command, f *flow, g *given, rf *runFlags, grid []string, format string) error {
	graph, err := f.needed(cmd, rf.targets)
	if err != nil {
		return err
	}
	axes, err := g.axes(cmd.Context(), c, cmd, grid)
	if err != nil {
		return err
	}
	var supplied []string
	for _, a := range axes {
		supplied = append(supplied, a.in.name)
	}
	base, err := g.values(cmd.Context(), c, cmd, graph, supplied...)
	if err != nil {
		return err
	}
	ctx, cancel := rf.context(cmd.Context())
	defer cancel()
	places := combinations(axes)
	progress, finish := c.counter(len(places))
	// The batch helper runs them: it keeps the order, and goes on after failures.
	res, err := runnel.Map(ctx, places, func(ctx context.Context, places []int) (combo, error) {
		return one(ctx, f, with(base, axes, places), rf), nil
	}, runnel.MaxParallel(rf.parallel), runnel.Progress(progress))
	finish()
	if err != nil && ctx.Err() == nil {
		if refused := f.refused(cmd, err); refused != nil {
			return refused
		}
		return err
	}
	rows := make([]combo, len(places))
	failures := 0
	for i := range rows {
		rows[i] = res.Results[i]
		if e := res.Errors[i]; e != nil {
			rows[i] = combo{err: e}
		}
		if rows[i].err != nil {
			failures++
		}
		for k, a := range axes {
			rows[i].params = append(rows[i].params, a.texts[places[i][k]])
		}
	}
	if err := writeSweep(c.Out, format, supplied, results(graph, rf.targets), rows); err != nil {
		return err
	}
	return c.sweepEnd(ctx, failures, len(rows))
}

// sweepEnd says what a sweep comes to.
func (c *call) sweepEnd(ctx context.Context, failures, n int) error {
	if ctx.Err() != nil {
		c.say("the sweep was cancelled: %v", context.Cause(ctx))
		return status(exitOf(ctx, context.Cause(ctx)))
	}
	if failures > 0 {
		c.say("%d of %s failed", failures, plural(n, "combination", "combinations"))
		return status(ExitFailed)
	}
	return nil
}

// one runs a combination.
func one(ctx context.Context, f *flow, in runnel.Values, rf *runFlags) combo {
	start := time.Now()
	res, err := f.p.Run(ctx, in, rf.options()...)
	row := combo{took: time.Since(start), err: err}
	if res != nil {
		row.outputs = res.Outputs()
	}
	return row
}

// counter shows how many of n have ended, on a terminal.
func (c *call) counter(n int) (progress func(done, total int), finish func()) {
	t, ok := terminalOf(c.Err)
	if !ok {
		return func(int, int) {}, func() {}
	}
	return func(done, _ int) { fmt.Fprintf(t.w, "\r%d of %d\x1b[K", done, n) }, func() { fmt.Fprint(t.w, "\r\x1b[K") }
}

func writeSweep(w io.Writer, format string, params, outputs []string, rows []combo) error {
	header := append(append(append([]string{}, params...), outputs...), "took", "error")
	cells := func(r combo, value func(any) string, took string) []string {
		row := append([]string{}, r.params...)
		for _, name := range outputs {
			v, there := r.outputs[name]
			if !there {
				row = append(row, "")
				continue
			}
			row = append(row, value(v))
		}
		return append(row, took, failure(r.err))
	}
	switch format {
	case "csv":
		cw := csv.NewWriter(w)
		_ = cw.Write(header) // Error reports it
		for _, r := range rows {
			_ = cw.Write(cells(r, readable, fmt.Sprintf("%g", r.took.Seconds())))
		}
		cw.Flush()
		return cw.Error()
	case "json":
		return writeJSON(w, sweepJSON(params, rows))
	}
	return writeTable(w, header, rows, cells)
}

// writeTable writes the rows for people, a line each.
func writeTable(w io.Writer, header []string, rows []combo, cells func(combo, func(any) string, string) []string) error {
	const most = 60
	t := newTable(w, 2)
	line := func(words []string) {
		for i := range words {
			first, _, more := strings.Cut(words[i], "\n")
			if words[i] = cut(clean(first), most); more {
				words[i] += " …"
			}
		}
		t.row(words...)
	}
	line(header)
	for _, r := range rows {
		line(cells(r, readable, short(r.took)))
	}
	return t.flush()
}

// failure is the cause of a run's failure: its row says the rest.
func failure(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*runnel.RunError](err); ok && e.Cause == nil && len(e.Tasks) > 0 {
		err = e.Tasks[0]
	}
	return fmt.Sprint(err)
}

func sweepJSON(params []string, rows []combo) any {
	type rowJSON struct {
		Inputs  map[string]string          `json:"inputs"`
		Outputs map[string]json.RawMessage `json:"outputs"`
		Seconds float64                    `json:"duration_seconds"`
		Error   string                     `json:"error,omitempty"`
	}
	all := []rowJSON{}
	for _, r := range rows {
		j := rowJSON{Inputs: map[string]string{}, Outputs: map[string]json.RawMessage{}, Seconds: r.took.Seconds()}
		for k, name := range params {
			j.Inputs[name] = r.params[k]
		}
		for name, v := range r.outputs {
			j.Outputs[name] = encodable(v)
		}
		if r.err != nil {
			j.Error = failure(r.err)
		}
		all = append(all, j)
	}
	return all
}

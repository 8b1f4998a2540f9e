package dag

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

const (
	mostAnalysed = 50 // tasks that the text of an analysis shows
	mostSteps    = 20 // tasks of a path that it shows
)

// String is [Analysis.Text] with plain numbers.
func (a *Analysis) String() string {
	return a.Text(func(cost float64) string { return strconv.FormatFloat(cost, 'g', 4, 64) })
}

// Text is the analysis as a table: the critical path, the makespan for numbers
// of workers that double until more bring nothing, what to speed up first, and
// the tasks with the least slack, at most 50. show writes a cost with its unit:
//
//	a.Text(func(seconds float64) string {
//		return time.Duration(seconds * float64(time.Second)).String()
//	})
func (a *Analysis) Text(show func(cost float64) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, work %s\n", counted(len(a.Tasks), "task"), show(a.Work))
	if len(a.Tasks) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "critical path, %s: %s\n", show(a.Total), pathText(a.CriticalPath))
	fmt.Fprintf(&b, "speed up first: %s\n\n", a.adviceText(show))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "WORKERS\tAT LEAST\tREACHED\n")
	for workers, reached := 1, math.Inf(1); reached > a.Total && workers < len(a.Tasks); workers *= 2 {
		var least float64
		least, reached = a.Makespan(workers)
		fmt.Fprintf(w, "%d\t%s\t%s\n", workers, show(least), show(reached))
	}
	fmt.Fprintf(w, "unlimited\t%s\t%s\n", show(a.Total), show(a.Total))
	w.Flush()

	fmt.Fprint(w, "\nTASK\tCOST\tSTART\tSLACK\tGAIN\n")
	tasks := slices.Clone(a.Tasks)
	slices.SortStableFunc(tasks, func(s, t TaskAnalysis) int { return cmp.Compare(s.Slack, t.Slack) })
	for _, t := range tasks[:min(len(tasks), mostAnalysed)] {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", shown(t.Node.Name), show(t.Cost), show(t.Start), show(t.Slack), show(t.Gain))
	}
	w.Flush()
	if more := len(tasks) - mostAnalysed; more > 0 {
		fmt.Fprintf(&b, "… and %s with more slack\n", counted(more, "task"))
	}
	return b.String()
}

func (a *Analysis) adviceText(show func(float64) string) string {
	first := a.Bottlenecks()
	if len(first) == 0 {
		return "no single task; several paths are the longest"
	}
	var parts []string
	for _, t := range first[:min(len(first), 3)] {
		parts = append(parts, fmt.Sprintf("%s (up to %s)", shown(t.Node.Name), show(t.Gain)))
	}
	return strings.Join(parts, ", then ")
}

// pathText writes a path, the middle of a long one left out.
func pathText(path []*Node) string {
	names := make([]string, len(path))
	for i, n := range path {
		names[i] = shown(n.Name)
	}
	if len(names) > mostSteps+1 {
		names = slices.Concat(names[:mostSteps/2], []string{fmt.Sprintf("… %d more …", len(names)-mostSteps)}, names[len(names)-mostSteps/2:])
	}
	return strings.Join(names, " → ")
}

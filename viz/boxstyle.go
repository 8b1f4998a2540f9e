package viz

import "strings"

// style is what a box is coloured by: its state, or its kind without a report.
func (x *box) style() string {
	if x.run != nil {
		return x.run.state.String()
	}
	return string(x.kind)
}

// classes are the words for a box that style sheets can use.
func (x *box) classes() []string {
	classes := []string{string(x.kind)}
	if x.run != nil {
		classes = append(classes, x.run.state.String())
		if x.run.critical {
			classes = append(classes, "critical")
		}
	}
	return classes
}

// lines are what stands in a box.
func (x *box) lines() []string {
	if details := x.details(); details != "" {
		return []string{x.title(), details}
	}
	return []string{x.title()}
}

// class is the word for an edge.
func (e *edge) class() string {
	class := "data"
	if len(e.data) == 0 {
		class = "after"
	}
	if e.critical {
		class += " critical"
	}
	return class
}

// edgeText is the label of an edge: the data, unless it is named like the box
// that it comes from.
func (p *picture) edgeText(e *edge) string {
	if len(e.data) == 1 && e.data[0] == p.boxes[e.from].name {
		return ""
	}
	return strings.Join(e.data, ", ")
}

// colors are fill, border and text.
type colors struct{ fill, border, text string }

// boxColors has the colours of kinds and states for programs that draw by
// themselves; each has text that is dark on light.
var boxColors = map[string]colors{
	"task":      {"#ddf4ff", "#0969da", "#1f2328"},
	"mapped":    {"#fbefff", "#8250df", "#1f2328"},
	"input":     {"#ffffff", "#8c959f", "#1f2328"},
	"group":     {"#dafbe1", "#1a7f37", "#1f2328"},
	"pipeline":  {"#fff8c5", "#9a6700", "#1f2328"},
	"pending":   {"#f6f8fa", "#8c959f", "#1f2328"},
	"ready":     {"#fff8c5", "#9a6700", "#1f2328"},
	"running":   {"#dafbe1", "#1a7f37", "#1f2328"},
	"retrying":  {"#fff1e5", "#bc4c00", "#1f2328"},
	"succeeded": {"#ddf4ff", "#0969da", "#1f2328"},
	"failed":    {"#ffebe9", "#cf222e", "#1f2328"},
	"skipped":   {"#eaeef2", "#6e7781", "#1f2328"},
	"cancelled": {"#eaeef2", "#424a53", "#1f2328"},
}

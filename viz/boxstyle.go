package viz

import (
	"fmt"
	"image/color"
	"strings"
)

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

// texts are the lines of a box whose label is not shortened.
func (x *box) texts() []string {
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

// hex is a colour as style sheets write it.
func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

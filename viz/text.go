package viz

import (
	"fmt"
	"io"
	"strings"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/boxes"
)

// textConfig is what options of [Text] say.
type textConfig struct {
	config
	style textStyle
	err   error
}

// Text draws a graph for a terminal: boxes with the tasks and lines from producers
// to consumers, top to bottom. External inputs are rounded, mapped tasks and groups
// stacked, folded pipelines double; a light head ends an edge of After, and the
// tasks of nested pipelines have their whole names. With a report the boxes say what
// became of them, and an asterisk marks the critical path.
//
// A graph that does not fit the width is a list instead, level by level, each task
// with what it consumes, in lines that are cut at the width. The error is that of w,
// or of an option.
func Text(w io.Writer, g *dag.Graph, opts ...TextOption) error {
	c := textConfig{config: *configure(nil), style: textStyle{width: defaultWidth}}
	for _, o := range opts {
		if o != nil {
			o.applyText(&c)
		}
	}
	if c.err != nil {
		return c.err
	}
	t := text{picture: newPicture(g, &c.config), style: boxes.Style{Width: c.style.width, ASCII: c.style.ascii, Color: c.style.color}}
	drawing, ok := t.draw()
	if !ok {
		drawing = t.list()
	}
	_, err := io.WriteString(w, drawing)
	return err
}

type text struct {
	*picture
	style boxes.Style
}

func (t *text) draw() (string, bool) {
	g := boxes.Graph{}
	for k := range t.boxes {
		x := &t.boxes[k]
		b := boxes.Box{Lines: []string{t.line(t.fullTitle(x), mostRunes)}, Border: x.border(), Color: x.terminalColor()}
		if details := x.details(); details != "" {
			b.Lines = append(b.Lines, t.signed(details, mostRunes))
		}
		g.Boxes = append(g.Boxes, b)
	}
	for _, e := range t.edges {
		g.Edges = append(g.Edges, boxes.Edge{From: e.from, To: e.to, Light: len(e.data) == 0})
	}
	return boxes.Draw(g, t.style)
}

// fullTitle is a box's name with the path of its pipeline, its axes, and an asterisk
// when it is on the critical path.
func (t *text) fullTitle(x *box) string {
	title := x.title()
	if x.cluster >= 0 {
		title = t.clusters[x.cluster].path + "/" + title
	}
	if x.run != nil && x.run.critical {
		title = "* " + title
	}
	return title
}

// line is a text in at most so many columns.
func (t *text) line(s string, most int) string {
	mark := "…"
	if t.style.ASCII {
		mark = "~"
	}
	return boxes.Clip(boxes.Line(s, t.style.ASCII), most, mark)
}

// asciiSigns stand for those of details.
var asciiSigns = strings.NewReplacer(
	sign(runnel.Succeeded), "+", sign(runnel.Failed), "x", sign(runnel.Skipped), "-", sign(runnel.Cancelled), "/",
	sign(runnel.Running), ">", sign(runnel.Retrying), "%", sign(runnel.Ready), "o", sign(runnel.Pending), ".",
	"·", ",", "×", "x", "µ", "u", "←", "<-", "—", "-")

// signed is a text of this package's own, which has signs.
func (t *text) signed(s string, most int) string {
	if t.style.ASCII {
		s = asciiSigns.Replace(s)
	}
	return t.line(s, most)
}

func (x *box) border() boxes.Border {
	switch {
	case x.stacked():
		return boxes.Stacked
	case x.kind == inputKind:
		return boxes.Rounded
	case x.kind == pipelineKind:
		return boxes.Double
	}
	return boxes.Plain
}

// terminalColor is an SGR parameter (ECMA-48) for what became of a box.
func (x *box) terminalColor() string {
	switch {
	case x.run == nil && x.kind == inputKind:
		return "2"
	case x.run == nil:
		return ""
	}
	switch x.run.state {
	case runnel.Succeeded:
		return "32"
	case runnel.Failed:
		return "31"
	case runnel.Retrying, runnel.Cancelled:
		return "33"
	case runnel.Running, runnel.Ready:
		return "34"
	}
	return "2"
}

// list is the picture level by level.
func (t *text) list() string {
	sources := make([][]string, len(t.boxes))
	for _, e := range t.edges {
		from := &t.boxes[e.from]
		name := t.fullName(from)
		if from.kind == inputKind {
			name += "*"
		}
		sources[e.to] = append(sources[e.to], name)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", t.line(t.headline()+" in "+plural(len(t.levels), "level"), t.style.Width))
	for l, level := range t.levels {
		fmt.Fprintf(&out, "level %d\n", l)
		for _, k := range level {
			x := &t.boxes[k]
			name := t.line(t.fullTitle(x), t.style.Width/2)
			rest := ""
			if details := x.details(); details != "" {
				rest += "  " + details
			}
			if len(sources[k]) > 0 {
				rest += " ← "
			}
			line := "  " + name + t.signed(rest, t.style.Width)
			line = t.line(line+strings.Join(sources[k], ", "), t.style.Width)
			if color := x.terminalColor(); t.style.Color && color != "" {
				line = "\x1b[" + color + "m" + line + "\x1b[m"
			}
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// fullName is a box's name with the path of its pipeline.
func (t *text) fullName(x *box) string {
	if x.cluster >= 0 {
		return t.clusters[x.cluster].path + "/" + x.label
	}
	return x.name
}

package viz

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/layout"
)

// SVG writes a picture as an SVG document that needs nothing else: it follows the
// reader's light or dark mode, has no script, and shows details as tooltips. Tasks
// are boxes, external inputs rounded ones, mapped tasks and groups stacked, nested
// pipelines frames around their tasks, and After edges dashed. The error is that of
// w.
func SVG(w io.Writer, g *dag.Graph, opts ...Option) error {
	p := newPicture(g, configure(opts))
	s := svg{picture: p}
	s.draw()
	_, err := w.Write(s.out.Bytes())
	return err
}

type svg struct {
	*picture
	layout layout.Layout
	out    bytes.Buffer
}

func (s *svg) printf(format string, args ...any) { fmt.Fprintf(&s.out, format, args...) }

// tenth is a coordinate to a tenth of a pixel: enough, and the same everywhere.
func tenth(f float64) float64 { return math.Round(f*10) / 10 }

func num(f float64) string { return strconv.FormatFloat(tenth(f), 'f', -1, 64) }

// esc is a text as XML text or attribute.
func esc(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(strings.ToValidUTF8(s, "�"))) // a Builder takes everything
	return b.String()
}

func (s *svg) draw() {
	l, legend, w, h := s.page()
	s.layout = l
	s.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" font-size="%s">`+"\n",
		num(w), num(h), num(w), num(h), num(fontSize))
	s.printf("<title>%s</title>\n<style>%s</style>\n", esc(s.headline()), style)
	s.printf(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0.5 8 4 0 7.5z"/></marker>` +
		`<marker id="hot" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto-start-reverse"><path class="hothead" d="M0 0.5 8 4 0 7.5z"/></marker></defs>` + "\n")
	s.printf(`<rect class="paper" width="%s" height="%s"/>`+"\n", num(w), num(h))
	s.printf(`<g transform="translate(%s %s)">`+"\n", num(margin), num(margin))
	for k := range s.clusters {
		s.cluster(&s.clusters[k], s.layout.Clusters[k])
	}
	for k := range s.edges {
		if !s.edges[k].critical {
			s.edge(&s.edges[k], s.layout.Edges[k])
		}
	}
	for k := range s.edges { // above the others
		if s.edges[k].critical {
			s.edge(&s.edges[k], s.layout.Edges[k])
		}
	}
	for k := range s.boxes {
		s.box(&s.boxes[k], s.layout.Boxes[k])
	}
	s.printf("</g>\n")
	s.drawLegend(legend, h)
	s.printf("</svg>\n")
}

// headline is the picture in one line.
func (p *picture) headline() string {
	tasks := 0
	for k := range p.boxes {
		tasks += len(p.boxes[k].tasks)
	}
	text := plural(tasks, "task")
	if r := p.report; r != nil {
		text += ", " + r.State.String()
		if r.Duration > 0 {
			text += " after " + short(r.Duration)
		}
		if r.Pipeline != "" {
			text = r.Pipeline + ": " + text
		}
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func (s *svg) cluster(c *cluster, r layout.Rect) {
	s.printf(`<g><title>%s</title><rect class="frame" x="%s" y="%s" width="%s" height="%s" rx="8"/>`, esc("nested pipeline "+c.path), num(r.X), num(r.Y), num(r.W), num(r.H))
	s.printf(`<text class="name" x="%s" y="%s">%s</text></g>`+"\n", num(r.X+10), num(r.Y+16), esc(clip(printable(c.label), mostRunes)))
}

// edge is a smooth line through its points.
func (s *svg) edge(e *edge, points []layout.Point) {
	if len(points) < 2 {
		return
	}
	class, marker := "edge", "arrow"
	if e.after && len(e.data) == 0 {
		class += " after"
	}
	if e.critical {
		class, marker = class+" hot", "hot"
	}
	var d strings.Builder
	fmt.Fprintf(&d, "M%s %s", num(points[0].X), num(points[0].Y))
	for k := 1; k < len(points); k++ {
		a, b := points[k-1], points[k]
		bend := (b.Y - a.Y) * 0.45
		if math.Abs(a.X-b.X) < 0.5 {
			fmt.Fprintf(&d, "L%s %s", num(b.X), num(b.Y))
			continue
		}
		fmt.Fprintf(&d, "C%s %s %s %s %s %s", num(a.X), num(a.Y+bend), num(b.X), num(b.Y-bend), num(b.X), num(b.Y))
	}
	what := strings.Join(e.data, ", ")
	if what == "" {
		what = "after"
	}
	s.printf(`<path class="%s" d="%s" marker-end="url(#%s)"><title>%s</title></path>`+"\n", class, d.String(), marker,
		esc(fmt.Sprintf("%s → %s: %s", s.boxes[e.from].name, s.boxes[e.to].name, what)))
}

func (s *svg) box(x *box, r layout.Rect) {
	class := "box " + string(x.kind)
	if x.run != nil {
		class += " " + x.run.state.String()
		if x.run.critical {
			class += " hot"
		}
	}
	s.printf(`<g class="%s"><title>%s</title>`, class, esc(x.tooltip()))
	radius := 5.0
	if x.kind == inputKind {
		radius = r.H / 2
	}
	if x.stacked() {
		r.W, r.H = r.W-2*stackShift, r.H-2*stackShift
		for k := 2.0; k > 0; k-- {
			s.rect(r.X+k*stackShift, r.Y+k*stackShift, r, radius)
		}
	}
	s.rect(r.X, r.Y, r, radius)
	first, second := x.caption()
	middle, y := r.X+r.W/2, r.Y+r.H/2+fontSize*0.36
	if second != "" {
		y -= (lineHeight - 2) / 2
		s.printf(`<text class="more" x="%s" y="%s">%s</text>`, num(middle), num(y+lineHeight-2), esc(second))
	}
	s.printf(`<text x="%s" y="%s">%s</text></g>`+"\n", num(middle), num(y), esc(first))
}

func (s *svg) rect(x, y float64, r layout.Rect, radius float64) {
	s.printf(`<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, num(x), num(y), num(r.W), num(r.H), num(radius))
}

// tooltip is all that is known of a box.
func (x *box) tooltip() string {
	var b strings.Builder
	switch x.kind {
	case inputKind:
		fmt.Fprintf(&b, "external input %s", x.name)
		return b.String()
	case groupKind:
		fmt.Fprintf(&b, "%s like %s", plural(len(x.tasks), "task"), x.name)
	case pipelineKind:
		fmt.Fprintf(&b, "nested pipeline %s, %s", x.name, plural(len(x.tasks), "task"))
	default:
		n := x.tasks[0]
		fmt.Fprintf(&b, "%s: %s → %s", x.name, strings.Join(n.Inputs, ", "), strings.Join(n.Outputs, ", "))
		if n.Description != "" {
			fmt.Fprintf(&b, "\n%s", n.Description)
		}
	}
	if o := x.run; o != nil {
		fmt.Fprintf(&b, "\n%s", o.state)
		if len(x.tasks) > 1 {
			for s := runnel.Pending; s <= runnel.Cancelled; s++ {
				if o.counts[s] > 0 {
					fmt.Fprintf(&b, ", %d %s", o.counts[s], s)
				}
			}
		}
		if o.duration > 0 {
			fmt.Fprintf(&b, ", %s, waited %s", short(o.duration), short(o.waited))
		}
		fmt.Fprintf(&b, ", %s", plural(o.attempts, "attempt"))
		if e := o.elements; e != nil {
			fmt.Fprintf(&b, "; of %s: %d succeeded, %d failed, %d skipped, %d cancelled", plural(e.Tasks, "element"), e.Succeeded, e.Failed, e.Skipped, e.Cancelled)
		}
		if o.reason != "" {
			fmt.Fprintf(&b, "\n%s", o.reason)
		}
		if o.critical {
			b.WriteString("\non the critical path")
		}
	}
	return b.String()
}

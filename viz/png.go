package viz

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/layout"
)

// mostPixels is how many pixels a PNG may have.
const mostPixels = 64_000_000

// PNG writes a picture as an image of two pixels for each of the SVG, less where
// the whole would have more than 64 million. It draws what [SVG] draws, on white, with a
// plain line font of its own that has the letters of ASCII and a few signs: others
// are empty boxes, and the SVG has them. The error is that of w.
func PNG(w io.Writer, g *dag.Graph, opts ...Option) error {
	p := newPicture(g, configure(opts))
	l, legend, width, height := p.page()
	scale := math.Min(2, math.Sqrt(mostPixels/(width*height)))
	r := &raster{image.NewRGBA(image.Rect(0, 0, int(math.Ceil(width*scale)), int(math.Ceil(height*scale)))), scale}
	for k := range r.img.Pix {
		r.img.Pix[k] = 255
	}
	d := bitmap{p, l, r}
	d.draw()
	d.legend(legend, height)
	if err := png.Encode(w, r.img); err != nil {
		return fmt.Errorf("viz: %w", err)
	}
	return nil
}

// bitmap draws a picture into a raster.
type bitmap struct {
	*picture
	layout layout.Layout
	r      *raster
}

var (
	ink   = color.RGBA{0x1b, 0x1f, 0x24, 255}
	faint = color.RGBA{0x42, 0x4a, 0x53, 255}
	gray  = color.RGBA{0x8c, 0x95, 0x9f, 255}
	hot   = color.RGBA{0xd1, 0x57, 0x0a, 255}
	frame = color.RGBA{0x8b, 0x7c, 0xae, 255}
	haze  = color.RGBA{0x8b, 0x7c, 0xae, 18}
)

// paint is how a box is filled and framed: as the light style of SVG.
type paint struct {
	fill, line color.RGBA
	width      float64
}

func (x *box) paint() paint {
	p := paint{color.RGBA{0xf6, 0xf8, 0xfa, 255}, gray, 1.2}
	switch x.kind {
	case inputKind:
		p.fill = color.RGBA{255, 255, 255, 255}
	case mappedKind, groupKind:
		p.fill, p.line = color.RGBA{0xee, 0xf3, 0xfb, 255}, color.RGBA{0x7a, 0x8b, 0xa8, 255}
	case pipelineKind:
		p.fill, p.line, p.width = color.RGBA{0xf3, 0xef, 0xfb, 255}, frame, 2
	}
	if x.run != nil {
		p = statePaint(x.run.state, p)
		if x.run.critical {
			p.width = 2.6
		}
	}
	return p
}

func statePaint(s runnel.State, p paint) paint {
	switch s {
	case runnel.Succeeded:
		p.fill, p.line = color.RGBA{0xdc, 0xf5, 0xe3, 255}, color.RGBA{0x2c, 0x97, 0x4b, 255}
	case runnel.Failed:
		p.fill, p.line, p.width = color.RGBA{0xff, 0xe1, 0xde, 255}, color.RGBA{0xcf, 0x22, 0x2e, 255}, 1.8
	case runnel.Skipped:
		p.fill, p.line = color.RGBA{0xec, 0xee, 0xf0, 255}, gray
	case runnel.Cancelled:
		p.fill, p.line = color.RGBA{0xfb, 0xee, 0xdb, 255}, color.RGBA{0xbc, 0x6c, 0, 255}
	case runnel.Running:
		p.fill, p.line = color.RGBA{0xdd, 0xee, 0xff, 255}, color.RGBA{0x09, 0x69, 0xda, 255}
	case runnel.Retrying:
		p.fill, p.line = color.RGBA{0xff, 0xf3, 0xc4, 255}, color.RGBA{0x9a, 0x67, 0, 255}
	case runnel.Ready:
		p.fill, p.line = color.RGBA{0xf3, 0xf8, 0xff, 255}, color.RGBA{0x09, 0x69, 0xda, 255}
	}
	return p
}

func (d *bitmap) draw() {
	for k, c := range d.clusters {
		b := moved(d.layout.Clusters[k])
		d.r.fill(haze, b, rounded(b, 8))
		d.r.fill(frame, grow(b, 1), outline(rounded(b, 8), 1))
		d.r.text(ink, clip(printable(c.label), mostRunes), b.X+10, b.Y+16, smallSize, 1.5)
	}
	for _, critical := range [...]bool{false, true} { // those above the others
		for k := range d.edges {
			if d.edges[k].critical == critical {
				d.edge(&d.edges[k], d.layout.Edges[k])
			}
		}
	}
	for k := range d.boxes {
		d.box(&d.boxes[k], moved(d.layout.Boxes[k]))
	}
}

// moved leaves a margin at the left and the top.
func moved(r layout.Rect) layout.Rect {
	r.X, r.Y = r.X+margin, r.Y+margin
	return r
}

func (d *bitmap) edge(e *edge, points []layout.Point) {
	if len(points) < 2 {
		return
	}
	c, width, dash := gray, 1.2, 0.0
	if e.after && len(e.data) == 0 {
		dash = 4
	}
	if e.critical {
		c, width = hot, 2.6
	}
	curve := bend(points)
	tip := curve[len(curve)-1]
	d.r.path(c, curve, width, dash)
	d.r.triangle(c, curve[max(0, len(curve)-4)], tip, 7)
}

// bend is the smooth line of an edge in small steps, as SVG draws it.
func bend(points []layout.Point) []layout.Point {
	const steps = 24
	curve := []layout.Point{{X: points[0].X + margin, Y: points[0].Y + margin}}
	for k := 1; k < len(points); k++ {
		a, b := points[k-1], points[k]
		lift := (b.Y - a.Y) * 0.45
		for n := 1; n <= steps; n++ {
			t := float64(n) / steps
			u := 1 - t
			curve = append(curve, layout.Point{
				X: margin + (u*u*u+3*u*u*t)*a.X + (3*u*t*t+t*t*t)*b.X,
				Y: margin + u*u*u*a.Y + 3*u*u*t*(a.Y+lift) + 3*u*t*t*(b.Y-lift) + t*t*t*b.Y,
			})
		}
	}
	return curve
}

func (d *bitmap) box(x *box, b layout.Rect) {
	p, radius := x.paint(), 5.0
	if x.kind == inputKind {
		radius = b.H / 2
	}
	copies := 1
	if x.stacked() {
		b.W, b.H, copies = b.W-2*stackShift, b.H-2*stackShift, 3
	}
	for k := copies - 1; k >= 0; k-- {
		at := b
		at.X, at.Y = b.X+float64(k)*stackShift, b.Y+float64(k)*stackShift
		d.r.fill(p.fill, at, rounded(at, radius))
		d.r.fill(p.line, grow(at, p.width), outline(rounded(at, radius), p.width))
	}
	first, second := x.caption()
	y := b.Y + b.H/2 + fontSize*0.36
	if second != "" {
		y -= (lineHeight - 2) / 2
		d.r.text(faint, second, b.X+b.W/2-textWidth(second, smallSize)/2, y+lineHeight-2, smallSize, 1)
	}
	d.r.text(ink, first, b.X+b.W/2-textWidth(first, fontSize)/2, y, fontSize, 1.25)
}

func (d *bitmap) legend(states []runnel.State, h float64) {
	if states == nil {
		return
	}
	x, y := margin, h-margin
	for _, state := range states {
		b := layout.Rect{X: x, Y: y - swatch + 2, W: swatch, H: swatch}
		p := statePaint(state, paint{color.RGBA{0xf6, 0xf8, 0xfa, 255}, gray, 1.2})
		d.r.fill(p.fill, b, rounded(b, 3))
		d.r.fill(p.line, grow(b, 1), outline(rounded(b, 3), p.width))
		text := sign(state) + " " + state.String()
		d.r.text(ink, text, x+swatch+6, y, smallSize, 1)
		x += swatch + 6 + textWidth(text, smallSize) + legendGap
	}
	d.r.line(hot, layout.Point{X: x, Y: y - 4}, layout.Point{X: x + swatch, Y: y - 4}, 2.6)
	d.r.text(ink, hotText, x+swatch+6, y, smallSize, 1)
}

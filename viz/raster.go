package viz

import (
	"image"
	"image/color"
	"math"

	"github.com/runnelflow/runnel/internal/layout"
)

// raster draws into an image. Coordinates are those of the layout; scale makes
// pixels of them. Edges are smooth: a pixel is covered by how near its centre is to
// the shape.
type raster struct {
	img   *image.RGBA
	scale float64
}

// shape is the distance of a point from an outline, negative inside.
type shape func(x, y float64) float64

// fill paints where a shape is, within the rectangle that holds it.
func (r *raster) fill(c color.RGBA, box layout.Rect, s shape) {
	x0, y0 := int(math.Floor(box.X*r.scale))-1, int(math.Floor(box.Y*r.scale))-1
	x1, y1 := int(math.Ceil((box.X+box.W)*r.scale))+1, int(math.Ceil((box.Y+box.H)*r.scale))+1
	bounds := image.Rect(x0, y0, x1, y1).Intersect(r.img.Bounds())
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			d := s((float64(x)+0.5)/r.scale, (float64(y)+0.5)/r.scale) * r.scale
			if d < 0.5 {
				r.blend(x, y, c, math.Min(1, 0.5-d))
			}
		}
	}
}

func (r *raster) blend(x, y int, c color.RGBA, cover float64) {
	a := cover * float64(c.A) / 255
	at := r.img.RGBAAt(x, y)
	mix := func(old, new uint8) uint8 { return uint8(math.Round(float64(old)*(1-a) + float64(new)*a)) }
	r.img.SetRGBA(x, y, color.RGBA{mix(at.R, c.R), mix(at.G, c.G), mix(at.B, c.B), 255})
}

// rounded is a rectangle with round corners.
func rounded(b layout.Rect, radius float64) shape {
	radius = math.Min(radius, math.Min(b.W, b.H)/2)
	cx, cy, hw, hh := b.X+b.W/2, b.Y+b.H/2, b.W/2-radius, b.H/2-radius
	return func(x, y float64) float64 {
		dx, dy := math.Abs(x-cx)-hw, math.Abs(y-cy)-hh
		return math.Hypot(math.Max(dx, 0), math.Max(dy, 0)) + math.Min(math.Max(dx, dy), 0) - radius
	}
}

// outline is the border of a shape.
func outline(s shape, width float64) shape {
	return func(x, y float64) float64 { return math.Abs(s(x, y)) - width/2 }
}

func grow(b layout.Rect, by float64) layout.Rect {
	return layout.Rect{X: b.X - by, Y: b.Y - by, W: b.W + 2*by, H: b.H + 2*by}
}

// line draws a line with round ends.
func (r *raster) line(c color.RGBA, a, b layout.Point, width float64) {
	box := grow(layout.Rect{X: math.Min(a.X, b.X), Y: math.Min(a.Y, b.Y), W: math.Abs(a.X - b.X), H: math.Abs(a.Y - b.Y)}, width)
	dx, dy := b.X-a.X, b.Y-a.Y
	length := dx*dx + dy*dy
	r.fill(c, box, func(x, y float64) float64 {
		t := 0.0
		if length > 0 {
			t = math.Max(0, math.Min(1, ((x-a.X)*dx+(y-a.Y)*dy)/length))
		}
		return math.Hypot(x-a.X-t*dx, y-a.Y-t*dy) - width/2
	})
}

// path draws a line through points, dashed if dash is more than 0.
func (r *raster) path(c color.RGBA, points []layout.Point, width, dash float64) {
	if dash == 0 {
		for k := 1; k < len(points); k++ {
			r.line(c, points[k-1], points[k], width)
		}
		return
	}
	gone := 0.0
	for k := 1; k < len(points); k++ {
		a, b := points[k-1], points[k]
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		along := func(d float64) layout.Point {
			return layout.Point{X: a.X + (b.X-a.X)*d/length, Y: a.Y + (b.Y-a.Y)*d/length}
		}
		for d := 0.0; d < length; {
			phase := math.Mod(gone+d, 2*dash)
			end := math.Min(length, d+dash-math.Mod(phase, dash)+1e-9) // to the next change
			if phase < dash {
				r.line(c, along(d), along(end), width)
			}
			d = end
		}
		gone += length
	}
}

// triangle draws an arrow's head that points down at tip, in the direction of from.
func (r *raster) triangle(c color.RGBA, from, tip layout.Point, size float64) {
	dx, dy := tip.X-from.X, tip.Y-from.Y
	n := math.Hypot(dx, dy)
	if n == 0 {
		dx, dy, n = 0, 1, 1
	}
	dx, dy = dx/n, dy/n
	for k := 0.0; k <= size; k += 0.5 / r.scale {
		half := k * 0.5
		x, y := tip.X-dx*k, tip.Y-dy*k
		r.line(c, layout.Point{X: x - dy*half, Y: y + dx*half}, layout.Point{X: x + dy*half, Y: y - dx*half}, 0.6)
	}
}

// text draws a text whose base line begins at x, y, as wide as textWidth says.
func (r *raster) text(c color.RGBA, s string, x, y, size, weight float64) {
	for _, letter := range s {
		w := runeWidth(letter) * size
		r.glyph(c, letter, x, y, w, size, weight)
		x += w
	}
}

func (r *raster) glyph(c color.RGBA, letter rune, x, y, w, size, weight float64) {
	strokes, ok := glyphs[letter]
	if !ok {
		if w == 0 {
			return
		}
		strokes = noGlyph
	}
	// The grid is as high as a capital, and as wide as the letter less its gap.
	across, down := (w-size*0.14)/4, size*0.72/6
	if w < size*0.45 {
		across = size * 0.09 // narrow letters stand around the middle of the grid
	}
	left := x + w/2 - 2*across
	var last layout.Point
	begun := false
	for k := 0; k < len(strokes); {
		if strokes[k] == ' ' {
			begun = false
			k++
			continue
		}
		p := layout.Point{X: left + float64(strokes[k]-'0')*across, Y: y + (float64(strokes[k+1]-'0')-6)*down}
		if begun {
			r.line(c, last, p, weight)
		}
		last, begun = p, true
		k += 2
	}
}

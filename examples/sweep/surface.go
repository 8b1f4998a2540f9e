package main

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// surface is the score of each combination, by learning rate and batch size.
type surface struct {
	rates   []float64
	batches []int
	scores  [][]float64
	best    Trial
}

// excess is how much worse than the best a combination is: 0.1 is 10 %. Weights
// that grew without end are infinitely worse.
func (s surface) excess(i, j int) float64 {
	v := s.scores[i][j]/s.best.Score - 1
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}

// What the picture and the text tell apart: a thousandth more than the best, and
// five times the best, which is about what a model has that learned nothing.
const least, most = 0.001, 5.0

// text draws the surface with letters: the darker, the better.
func (s surface) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Root mean squared error in cross-validation, * the best\n"+
		"█ at most 1 %% above it, ▓ 10 %%, ▒ 50 %%, ░ 200 %%, – %.0f %% or without end\n\n%18s\n%8s", 100*most, "batch size", "rate")
	for _, n := range s.batches {
		fmt.Fprintf(&b, "%8d", n)
	}
	for i, row := range s.scores {
		fmt.Fprintf(&b, "\n%8v", s.rates[i])
		for j, v := range row {
			mark := ' '
			if s.rates[i] == s.best.Rate && s.batches[j] == s.best.Batch {
				mark = '*'
			}
			if x := s.excess(i, j); x < most {
				fmt.Fprintf(&b, " %c%c%.3f", mark, shade(x), v)
			} else {
				b.WriteString("     –  ")
			}
		}
	}
	return b.String() + "\n"
}

func shade(excess float64) rune {
	switch {
	case excess <= 0.01:
		return '█'
	case excess <= 0.1:
		return '▓'
	case excess <= 0.5:
		return '▒'
	case excess <= 2:
		return '░'
	}
	return ' '
}

// Dims, X, Y and Z implement plotter.GridXYZ: batch sizes from left to right, learning
// rates from bottom to top, and the logarithm of the excess.
func (s surface) Dims() (columns, rows int) { return len(s.batches), len(s.rates) }

// X implements plotter.GridXYZ.
func (s surface) X(c int) float64 { return float64(c) }

// Y implements plotter.GridXYZ.
func (s surface) Y(r int) float64 { return float64(r) }

// Z implements plotter.GridXYZ.
func (s surface) Z(c, r int) float64 { return math.Log(max(least, s.excess(r, c))) }

// save draws a picture in the format that the name of the file ends in.
func (s surface) save(path string) error {
	const width, height, legend = 15 * vg.Centimeter, 10 * vg.Centimeter, 3 * vg.Centimeter
	canvas, err := draw.NewFormattedCanvas(width, height, strings.TrimPrefix(filepath.Ext(path), "."))
	if err != nil {
		return fmt.Errorf("%s: %w: name a file that ends in .svg or .png", path, err)
	}
	all := draw.New(canvas)
	colors := moreland.ExtendedBlackBody()
	colors.SetMin(math.Log(least))
	colors.SetMax(math.Log(most))

	heat := plotter.NewHeatMap(s, colors.Palette(256))
	heat.Min, heat.Max = colors.Min(), colors.Max()
	heat.Overflow = color.Gray{0xbb}
	mark, err := plotter.NewScatter(plotter.XYs{s.place()})
	if err != nil {
		return err
	}
	mark.GlyphStyle = draw.GlyphStyle{Color: color.White, Radius: 6, Shape: draw.RingGlyph{}}
	p := plot.New()
	p.Title.Text = "Root mean squared error in cross-validation"
	p.Title.Padding = vg.Millimeter
	p.X.Label.Text, p.Y.Label.Text = "batch size", "learning rate"
	p.X.Tick.Marker, p.Y.Tick.Marker = names(s.batches), names(s.rates)
	p.Add(heat, mark)
	p.Draw(draw.Crop(all, 0, -legend, 0, 0))

	bar := plot.New()
	bar.HideX()
	bar.Y.Label.Text = "above the best (grey: more, or without end)"
	bar.Y.Tick.Marker = percents{least, 0.01, 0.1, 1, most}
	bar.Add(&plotter.ColorBar{ColorMap: colors, Vertical: true})
	bar.Draw(draw.Crop(all, width-legend+vg.Centimeter/2, 0, 0, 0))

	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := canvas.WriteTo(f); err != nil {
		return err
	}
	return f.Close()
}

// place is where the best combination stands.
func (s surface) place() (at plotter.XY) {
	for i, r := range s.rates {
		if r == s.best.Rate {
			at.Y = float64(i)
		}
	}
	for j, n := range s.batches {
		if n == s.best.Batch {
			at.X = float64(j)
		}
	}
	return at
}

// names are ticks that stand at 0, 1 and so on.
func names[T any](values []T) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for i, v := range values {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: fmt.Sprint(v)})
	}
	return ticks
}

// percents are ticks at the logarithms of shares.
type percents []float64

// Ticks implements plot.Ticker.
func (p percents) Ticks(_, _ float64) []plot.Tick {
	var ticks []plot.Tick
	for _, v := range p {
		ticks = append(ticks, plot.Tick{Value: math.Log(v), Label: fmt.Sprintf("%v %%", 100*v)})
	}
	return ticks
}

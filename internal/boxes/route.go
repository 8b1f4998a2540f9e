package boxes

import (
	"cmp"
	"math"
	"slices"

	"github.com/runnelflow/runnel/internal/layout"
)

// net is what leaves one place at the top of a channel, or all that goes to one
// place alone: stubs down to a track, a line along it, and lines down from it.
type net struct {
	from, to []end
	lo, hi   int // of the track; equal when it goes straight down
	track    int
	waits    int // for nets that have to have a track above
	below    []*net
}

// end is where a net begins or ends: a box, or -1 where a line passes a layer.
type end struct{ column, box int }

// stop is the place of a line in a layer: a box, or a bend of an edge on its way.
type stop struct{ box, edge int }

// route divides the edges into nets, channel by channel, and gives them tracks.
func (d *drawer) route(l layout.Layout) {
	nets := make([]map[stop]*net, len(d.layers))
	for i, e := range d.Edges {
		if l.Edges[i] == nil {
			continue
		}
		a, b := d.at[e.From].layer, d.at[e.To].layer
		at, x := stop{e.From, -1}, d.middle(e.From)
		for r := a; r < b; r++ {
			next, to := stop{-1, i}, end{d.middle(e.To), e.To}
			if r+1 < b {
				to.box = -1
				to.column = int(math.Floor(across(l.Edges[i], d.layers[r+1].middle)))
				d.wide = max(d.wide, to.column+1)
			}
			if nets[r] == nil {
				nets[r] = map[stop]*net{}
			}
			n := nets[r][at]
			if n == nil {
				n = &net{from: []end{{x, at.box}}, lo: x, hi: x}
				nets[r][at] = n
				d.layers[r].nets = append(d.layers[r].nets, n)
			}
			n.to = append(n.to, to)
			n.lo, n.hi = min(n.lo, to.column), max(n.hi, to.column)
			at, x = next, to.column
		}
	}
	for r := range d.layers {
		d.layers[r].join()
		d.layers[r].assign()
	}
}

// across is where a line is at a height.
func across(line []layout.Point, y float64) float64 {
	for k := 1; k < len(line); k++ {
		a, b := line[k-1], line[k]
		if y <= b.Y {
			if b.Y <= a.Y {
				return b.X
			}
			return a.X + (b.X-a.X)*(y-a.Y)/(b.Y-a.Y)
		}
	}
	return line[len(line)-1].X
}

// join makes one net of those that all go to one place and nowhere else.
func (r *layer) join() {
	alone := map[end]*net{}
	var nets []*net
	for _, n := range r.nets {
		if len(n.to) > 1 {
			nets = append(nets, n)
			continue
		}
		first := alone[n.to[0]]
		if first == nil {
			alone[n.to[0]] = n
			nets = append(nets, n)
			continue
		}
		first.from = append(first.from, n.from...)
		first.lo, first.hi = min(first.lo, n.lo), max(first.hi, n.hi)
	}
	r.nets = nets
}

// assign gives each net that bends a track, so that none runs over another: the
// left-edge algorithm (A. Hashimoto, J. Stevens, "Wire routing by optimizing
// channel assignment within large apertures", DAC 1971). A net that starts in the
// column to which another leads goes above it; where such nets wait for each
// other, the leftmost goes first.
func (r *layer) assign() {
	var bent []*net
	starts := map[int]*net{}
	for _, n := range r.nets {
		for _, from := range n.from {
			starts[from.column] = n
		}
		if n.lo < n.hi {
			bent = append(bent, n)
		}
	}
	for _, n := range bent {
		for _, to := range n.to {
			if above := starts[to.column]; above != nil && above != n && above.lo < above.hi {
				above.below = append(above.below, n)
				n.waits++
			}
		}
	}
	slices.SortStableFunc(bent, func(a, b *net) int { return cmp.Compare(a.lo, b.lo) })
	for len(bent) > 0 {
		end, some := math.MinInt, false
		var later, now []*net
		for _, n := range bent {
			if n.waits > 0 || n.lo <= end {
				later = append(later, n)
				continue
			}
			n.track, end, some = r.tracks, n.hi, true
			now = append(now, n)
		}
		if !some {
			n := later[0]
			n.track = r.tracks
			now, later = append(now, n), later[1:]
		}
		for _, n := range now {
			for _, b := range n.below {
				b.waits--
			}
		}
		bent = later
		r.tracks++
	}
}

// lines draws all nets, through the rows that they pass, and the heads.
func (d *drawer) lines() {
	for l := range d.layers {
		row := &d.layers[l]
		for _, n := range row.nets {
			track := row.y + row.high + 1 + n.track
			d.canvas.along(track, n.lo, n.hi)
			for _, from := range n.from {
				start := row.y
				if from.box >= 0 {
					start = d.at[from.box].y + d.at[from.box].h - 1
				}
				d.canvas.down(from.column, start, track)
			}
			for _, to := range n.to {
				end := d.layers[l+1].y + d.layers[l+1].high - 1
				if to.box >= 0 {
					end = d.at[to.box].y
				}
				d.canvas.down(to.column, track, end)
			}
		}
	}
	for _, e := range d.Edges {
		if d.at[e.To].layer > d.at[e.From].layer {
			head := heavyHead
			if e.Light {
				head = lightHead
			}
			d.canvas.head(d.middle(e.To), d.at[e.To].y-1, head)
		}
	}
}

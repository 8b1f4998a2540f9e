package boxes

import (
	"cmp"
	"math"
	"slices"

	"github.com/runnelflow/runnel/internal/layout"
)

// net is what leaves one place at the top of a channel: a stub down to its track,
// a line along the track, and lines down to where it goes.
type net struct {
	from   int   // column
	box    int   // that it leaves, or -1
	to     []int // columns
	ends   []int // boxes in these columns, or -1
	lo, hi int   // of the track; equal when it goes straight down
	track  int
	waits  int // for nets that have to have a track above
	below  []*net
}

// place of a line in a layer: a box, or a bend of an edge on its way.
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
			next, to, end := stop{-1, i}, d.middle(e.To), e.To
			if r+1 < b {
				end = -1
				to = int(math.Floor(across(l.Edges[i], d.layers[r+1].middle)))
				d.wide = max(d.wide, to+1)
			}
			if nets[r] == nil {
				nets[r] = map[stop]*net{}
			}
			n := nets[r][at]
			if n == nil {
				n = &net{from: x, box: at.box, lo: x, hi: x}
				nets[r][at] = n
				d.layers[r].nets = append(d.layers[r].nets, n)
			}
			n.to, n.ends = append(n.to, to), append(n.ends, end)
			n.lo, n.hi = min(n.lo, to), max(n.hi, to)
			at, x = next, to
		}
	}
	for r := range d.layers {
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

// assign gives each net that bends a track, so that none runs over another: the
// left-edge algorithm (A. Hashimoto, J. Stevens, "Wire routing by optimizing
// channel assignment within large apertures", DAC 1971). A net that starts in the
// column to which another leads goes above it; where such nets wait for each
// other, the leftmost goes first.
func (r *layer) assign() {
	var bent []*net
	starts := map[int]*net{}
	for _, n := range r.nets {
		if starts[n.from] = n; n.lo < n.hi {
			bent = append(bent, n)
		}
	}
	for _, n := range bent {
		for _, to := range n.to {
			if above := starts[to]; above != nil && above != n && above.lo < above.hi {
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
			track, start := row.y+row.high+1+n.track, row.y
			if n.box >= 0 {
				start = d.at[n.box].y + d.at[n.box].h - 1
			}
			d.canvas.down(n.from, start, track)
			d.canvas.along(track, n.lo, n.hi)
			for k, to := range n.to {
				end := d.layers[l+1].y + d.layers[l+1].high - 1
				if b := n.ends[k]; b >= 0 {
					end = d.at[b].y
				}
				d.canvas.down(to, track, end)
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

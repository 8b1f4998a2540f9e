package viz

import (
	"math"
	"unicode"

	"github.com/runnelflow/runnel/internal/layout"
)

// Sizes of a picture, in pixels of an SVG.
const (
	fontSize   = 13.0
	smallSize  = 11.0
	lineHeight = 17.0
	padAcross  = 12.0
	padDown    = 7.0
	leastWidth = 56.0
	margin     = 20.0
	mostRunes  = 42 // of a label: the rest is in the tooltip
	stackShift = 4.0
	titleRoom  = 22.0 // of a cluster
)

// textWidth is about how wide a text is in a sans-serif font of that size. Fonts
// differ: it is rather more than less.
func textWidth(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		w += runeWidth(r)
	}
	return w * size
}

// runeWidth is in units of the font's size.
func runeWidth(r rune) float64 {
	switch {
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || unicode.Is(unicode.Cf, r):
		return 0
	case r < 0x80:
		switch r {
		case 'i', 'j', 'l', '.', ',', ':', ';', '\'', '|', '!', ' ':
			return 0.32
		case 'f', 't', 'r', 'I', '(', ')', '[', ']', '/', '-', '"':
			return 0.42
		case 'm', 'w', 'M', 'W', '@', '%':
			return 0.92
		}
		if r >= 'A' && r <= 'Z' {
			return 0.7
		}
		return 0.6
	case r < 0x1100:
		return 0.68
	}
	return 1.1 // East Asian and emoji
}

// clip shortens a text to so many runes.
func clip(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// printable is a text without what has no form on a line.
func printable(s string) string {
	runes := []rune(s)
	for k, r := range runes {
		switch {
		case r == '\n':
			runes[k] = '⏎'
		case !unicode.IsPrint(r) && !unicode.Is(unicode.Cf, r):
			runes[k] = '�'
		}
	}
	return string(runes)
}

// caption is what stands in a box of a picture.
func (x *box) caption() (first, second string) {
	return clip(printable(x.title()), mostRunes), x.details()
}

// arrange lays a picture out.
func (p *picture) arrange() layout.Layout {
	g := layout.Graph{}
	for k := range p.boxes {
		x := &p.boxes[k]
		first, second := x.caption()
		w := math.Max(textWidth(first, fontSize), textWidth(second, smallSize))
		b := layout.Box{W: math.Ceil(math.Max(leastWidth, w+2*padAcross)), H: lineHeight + 2*padDown, Cluster: x.cluster}
		if second != "" {
			b.H += lineHeight - 2
		}
		if x.stacked() {
			b.W, b.H = b.W+2*stackShift, b.H+2*stackShift
		}
		g.Boxes = append(g.Boxes, b)
	}
	for _, c := range p.clusters {
		g.Clusters = append(g.Clusters, layout.Cluster{Parent: c.parent, Title: titleRoom})
	}
	for _, e := range p.edges {
		g.Edges = append(g.Edges, [2]int{e.from, e.to})
	}
	return layout.Compute(g, layout.Options{Across: 24, Down: 44, Pad: 14})
}

// stacked reports whether a box is drawn as several behind each other.
func (x *box) stacked() bool {
	return x.kind == mappedKind || x.kind == groupKind
}

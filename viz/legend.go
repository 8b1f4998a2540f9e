package viz

import (
	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/internal/layout"
)

// legend are the states that a picture of a run shows, in their order; nil without
// a report.
func (p *picture) legend() []runnel.State {
	if p.report == nil {
		return nil
	}
	there := map[runnel.State]bool{}
	for k := range p.boxes {
		if o := p.boxes[k].run; o != nil {
			there[o.state] = true
		}
	}
	states := []runnel.State{}
	for s := runnel.Pending; s <= runnel.Cancelled; s++ {
		if there[s] {
			states = append(states, s)
		}
	}
	return states
}

// page is the layout in the middle of a page with margins and, with a report, a
// legend; w and h are the size of the page.
func (p *picture) page() (l layout.Layout, states []runnel.State, w, h float64) {
	l, states = p.arrange(), p.legend()
	w, h = l.W+2*margin, l.H+2*margin
	if states == nil {
		return l, nil, w, h
	}
	h += 34
	if more := legendWidth(states) + 2*margin - w; more > 0 {
		w += more
		shift(&l, more/2)
	}
	return l, states, w, h
}

// shift moves what is in a layout to the right.
func shift(l *layout.Layout, by float64) {
	for _, rects := range [...][]layout.Rect{l.Boxes, l.Clusters} {
		for k := range rects {
			rects[k].X += by
		}
	}
	for _, points := range l.Edges {
		for k := range points {
			points[k].X += by
		}
	}
}

// Widths of the parts of a legend.
const (
	legendGap = 28.0
	swatch    = 12.0
	hotText   = "critical path"
)

func legendWidth(states []runnel.State) float64 {
	w := swatch + 6 + textWidth(hotText, smallSize)
	for _, s := range states {
		w += swatch + 6 + textWidth(sign(s)+" "+s.String(), smallSize) + legendGap
	}
	return w
}

func (s *svg) drawLegend(states []runnel.State, h float64) {
	if states == nil {
		return
	}
	x, y := margin, h-margin
	s.printf(`<g class="legend">`)
	for _, state := range states {
		text := sign(state) + " " + state.String()
		s.printf(`<g class="box task %s"><rect x="%s" y="%s" width="%s" height="%s" rx="3"/></g>`, state, num(x), num(y-swatch+2), num(swatch), num(swatch))
		s.printf(`<text x="%s" y="%s">%s</text>`, num(x+swatch+6), num(y), text)
		x += swatch + 6 + textWidth(text, smallSize) + legendGap
	}
	s.printf(`<path class="edge hot" d="M%s %sh%s"/><text x="%s" y="%s">%s</text></g>`+"\n", num(x), num(y-4), num(swatch), num(x+swatch+6), num(y), hotText)
}

// style are the colours of an SVG, light and dark. Fills are pale, and text keeps a
// contrast of 7 to 1 (WCAG 2.2, level AAA).
const style = `
.paper{fill:#fff}.box text,.legend text,.name{fill:#1b1f24}.box text{text-anchor:middle}.box .more,.legend text,.name{font-size:11px}.box .more{fill:#424a53}.legend text{text-anchor:start}
.box rect{fill:#f6f8fa;stroke:#8c959f;stroke-width:1.2}.input rect{fill:#fff;stroke:#8c959f;stroke-dasharray:none}.input text{font-style:italic}
.mapped rect,.group rect{fill:#eef3fb;stroke:#7a8ba8}.pipeline rect{fill:#f3effb;stroke:#8b7cae;stroke-width:2}
.frame{fill:#8b7cae;fill-opacity:.07;stroke:#8b7cae;stroke-dasharray:5 3}.name{font-weight:600}
.edge{fill:none;stroke:#8c959f;stroke-width:1.2}.after{stroke-dasharray:4 3}.head{fill:#8c959f}
.succeeded rect{fill:#dcf5e3;stroke:#2c974b}.failed rect{fill:#ffe1de;stroke:#cf222e;stroke-width:1.8}.skipped rect{fill:#eceef0;stroke:#8c959f;stroke-dasharray:3 2}.cancelled rect{fill:#fbeedb;stroke:#bc6c00}
.running rect{fill:#ddeeff;stroke:#0969da}.retrying rect{fill:#fff3c4;stroke:#9a6700}.ready rect{fill:#f3f8ff;stroke:#0969da}
.hot rect{stroke-width:2.6}.edge.hot{stroke:#d1570a;stroke-width:2.6}.hothead{fill:#d1570a}
@media (prefers-color-scheme:dark){.paper{fill:#0d1117}.box text,.legend text,.name{fill:#f0f6fc}.box .more{fill:#c9d1d9}
.box rect{fill:#1c2128;stroke:#6e7681}.input rect{fill:#0d1117}.mapped rect,.group rect{fill:#1a2436;stroke:#5a7099}.pipeline rect{fill:#231d33;stroke:#8b7cae}
.succeeded rect{fill:#12321c;stroke:#3fb950}.failed rect{fill:#431a1c;stroke:#ff7b72}.skipped rect{fill:#21262d;stroke:#6e7681}.cancelled rect{fill:#3a2a12;stroke:#e3a24a}
.running rect{fill:#10294a;stroke:#58a6ff}.retrying rect{fill:#3a3112;stroke:#e3b341}.ready rect{fill:#131d2e;stroke:#58a6ff}
.edge{stroke:#6e7681}.head{fill:#6e7681}.edge.hot{stroke:#ffa657}.hothead{fill:#ffa657}}
`

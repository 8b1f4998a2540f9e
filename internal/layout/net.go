package layout

// maxBends bounds the nodes that stand for lines in the layers they pass, and
// those that hold the place of clusters.
const maxBends = 200_000

// A net is the graph in which every segment leads to the next layer. Its nodes
// are the boxes, then a bend for each layer that an edge passes, then fillers
// that hold the place of a cluster in a layer.
type net struct {
	boxes, bends int
	layer        []int32
	cluster      []int32
	width        []float64
	tree         *tree

	from, to []int32 // segments
	down, up links

	// bend is the first bend of each edge, or -1; the rest follow.
	bend []int32
	// straight marks edges that got no bends, because there were too many.
	straight []bool
	drawn    []bool

	order [][]int32 // the nodes of each layer from left to right
	pos   []int32   // the place of each node in its layer
}

func newNet(g Graph, t *tree, layer []int32, drawn, alone []bool) *net {
	n := &net{
		boxes: len(g.Boxes), layer: layer, tree: t, drawn: drawn,
		bend: make([]int32, len(g.Edges)), straight: make([]bool, len(g.Edges)),
	}
	n.cluster = make([]int32, n.boxes)
	n.width = make([]float64, n.boxes)
	for i, b := range g.Boxes {
		n.cluster[i], n.width[i] = int32(b.Cluster), b.W
	}
	longest := n.longestSpan(g.Edges)
	for e, ends := range g.Edges {
		n.bend[e] = -1
		a, b := int32(ends[0]), int32(ends[1])
		switch {
		case !drawn[e]:
		case layer[b]-layer[a] > longest:
			n.straight[e] = true
		default:
			n.thread(e, a, b)
		}
	}
	n.bends = len(n.layer) - n.boxes
	t.fillers(n.layer, n.cluster, maxBends, func(c, l int32) { n.add(l, c) })

	n.down = newLinks(len(n.layer), len(n.from), func(s int32) (int32, int32, bool) {
		return n.from[s], n.to[s], true
	})
	n.up = newLinks(len(n.layer), len(n.from), func(s int32) (int32, int32, bool) {
		return n.to[s], n.from[s], true
	})
	depth := int32(0)
	for v, l := range n.layer {
		if v >= n.boxes || !alone[v] {
			depth = max(depth, l+1)
		}
	}
	n.order = make([][]int32, depth)
	for v, l := range n.layer {
		if v >= n.boxes || !alone[v] {
			n.order[l] = append(n.order[l], int32(v))
		}
	}
	n.pos = make([]int32, len(n.layer))
	return n
}

// longestSpan returns the most layers that an edge may span and still get its
// bends, so that there are at most maxBends.
func (n *net) longestSpan(edges [][2]int) int32 {
	var spans []int // how many edges span that many layers
	for e, ends := range edges {
		if n.drawn[e] {
			span := int(n.layer[ends[1]] - n.layer[ends[0]])
			for len(spans) <= span {
				spans = append(spans, 0)
			}
			spans[span]++
		}
	}
	total := 0
	for span, count := range spans {
		if total += (span - 1) * count; total > maxBends {
			return int32(span - 1)
		}
	}
	return int32(len(spans))
}

// thread makes the bends and segments of the e-th edge.
func (n *net) thread(e int, a, b int32) {
	within := n.tree.common(n.cluster[a], n.cluster[b])
	last := a
	for l := n.layer[a] + 1; l < n.layer[b]; l++ {
		v := n.add(l, within)
		if n.bend[e] < 0 {
			n.bend[e] = v
		}
		n.from, n.to = append(n.from, last), append(n.to, v)
		last = v
	}
	n.from, n.to = append(n.from, last), append(n.to, b)
}

func (n *net) add(layer, cluster int32) int32 {
	n.layer = append(n.layer, layer)
	n.cluster = append(n.cluster, cluster)
	n.width = append(n.width, 0)
	return int32(len(n.layer) - 1)
}

// isBox tells whether a node is a box and no bend or filler.
func (n *net) isBox(v int32) bool { return int(v) < n.boxes }

// isBend tells whether a node stands for a line that passes its layer.
func (n *net) isBend(v int32) bool { return int(v) >= n.boxes && int(v) < n.boxes+n.bends }

// number sets pos from order in one layer.
func (n *net) number(l int) {
	for k, v := range n.order[l] {
		n.pos[v] = int32(k)
	}
}

package layout

// layers gives each node a layer, so that every edge leads to a later one, and
// tells which edges those are: an edge that closes a cycle, or an end of which
// is no node, is not among them.
//
// A node's layer is the longest way to it; then nodes with more edges out than
// in move down to their consumers, which makes the lines shorter.
func layers(n int, edges [][2]int) (layer []int32, drawn []bool) {
	drawn = make([]bool, len(edges))
	for e, ends := range edges {
		a, b := ends[0], ends[1]
		drawn[e] = a != b && a >= 0 && b >= 0 && a < n && b < n
	}
	out := newLinks(n, len(edges), func(e int32) (int32, int32, bool) {
		return int32(edges[e][0]), int32(edges[e][1]), drawn[e]
	})
	topo := out.sort(drawn)

	layer = make([]int32, n)
	surplus := make([]int32, n) // edges out, less edges in
	for _, v := range topo {
		for k := out.first[v]; k < out.first[v+1]; k++ {
			if w := out.node[k]; drawn[out.seg[k]] {
				layer[w] = max(layer[w], layer[v]+1)
				surplus[v]++
				surplus[w]--
			}
		}
	}
	for k := len(topo) - 1; k >= 0; k-- {
		v := topo[k]
		if surplus[v] <= 0 {
			continue
		}
		nearest := int32(-1)
		for k := out.first[v]; k < out.first[v+1]; k++ {
			if w := out.node[k]; drawn[out.seg[k]] && (nearest < 0 || layer[w] < nearest) {
				nearest = layer[w]
			}
		}
		layer[v] = nearest - 1
	}
	return layer, drawn
}

// sort returns the nodes in a topological order. It clears drawn for the links
// that lead back on the way by which the search came.
func (l *links) sort(drawn []bool) []int32 {
	const (
		unseen = iota
		open
		done
	)
	n := len(l.first) - 1
	state := make([]uint8, n)
	next := make([]int32, n)
	topo := make([]int32, n)
	place := n
	var path []int32
	for root := range n {
		if state[root] != unseen {
			continue
		}
		path = append(path, int32(root))
		state[root] = open
		for len(path) > 0 {
			v := path[len(path)-1]
			k := l.first[v] + next[v]
			if k == l.first[v+1] {
				state[v] = done
				place--
				topo[place] = v
				path = path[:len(path)-1]
				continue
			}
			next[v]++
			switch w := l.node[k]; state[w] {
			case unseen:
				state[w] = open
				path = append(path, w)
			case open:
				drawn[l.seg[k]] = false
			}
		}
	}
	return topo
}

// links holds the neighbours of each node in one direction: those of v are
// node[first[v]:first[v+1]], reached by the segments in the same places of seg.
type links struct {
	first, node, seg []int32
}

// newLinks builds links from m segments, skipping those that end says no to.
func newLinks(n, m int, ends func(seg int32) (from, to int32, ok bool)) links {
	l := links{first: make([]int32, n+1)}
	for s := range int32(m) {
		if a, _, ok := ends(s); ok {
			l.first[a+1]++
		}
	}
	for v := range n {
		l.first[v+1] += l.first[v]
	}
	l.node = make([]int32, l.first[n])
	l.seg = make([]int32, l.first[n])
	at := make([]int32, n)
	for s := range int32(m) {
		if a, b, ok := ends(s); ok {
			k := l.first[a] + at[a]
			at[a]++
			l.node[k], l.seg[k] = b, s
		}
	}
	return l
}

// of returns the neighbours of v.
func (l *links) of(v int32) []int32 { return l.node[l.first[v]:l.first[v+1]] }

// segs returns the segments to the neighbours of v.
func (l *links) segs(v int32) []int32 { return l.seg[l.first[v]:l.first[v+1]] }

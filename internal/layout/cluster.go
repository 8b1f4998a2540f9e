package layout

import "slices"

// A tree holds how clusters lie in one another.
type tree struct {
	parent []int32 // -1: none
	depth  []int32 // 0 for clusters without a parent
	deep   []int32 // the clusters, the deepest first
	// rank orders the clusters of one parent from left to right, the same in
	// all layers: their frames can then stand side by side.
	rank []int32
}

// newTree builds the tree. A parent that does not exist, or through which a
// cluster would lie in itself, counts as none.
func newTree(clusters []Cluster) *tree {
	n := len(clusters)
	t := &tree{parent: make([]int32, n), depth: make([]int32, n), rank: make([]int32, n)}
	for c, k := range clusters {
		t.parent[c], t.depth[c], t.rank[c] = -1, -1, int32(c)
		if k.Parent >= 0 && k.Parent < n {
			t.parent[c] = int32(k.Parent)
		}
	}
	const onPath = -2
	var path []int32
	for c := range int32(n) {
		path = path[:0]
		for c >= 0 && t.depth[c] == -1 {
			t.depth[c] = onPath
			path = append(path, c)
			c = t.parent[c]
		}
		if c >= 0 && t.depth[c] == onPath {
			t.parent[path[len(path)-1]] = -1
		}
		for _, c := range slices.Backward(path) {
			t.depth[c] = 0
			if p := t.parent[c]; p >= 0 {
				t.depth[c] = t.depth[p] + 1
			}
		}
	}
	t.deep = make([]int32, n)
	for c := range t.deep {
		t.deep[c] = int32(c)
	}
	slices.SortStableFunc(t.deep, func(a, b int32) int { return int(t.depth[b] - t.depth[a]) })
	return t
}

// common returns the innermost cluster that holds both, or -1.
func (t *tree) common(a, b int32) int32 {
	for a != b {
		switch {
		case a < 0 || b < 0:
			return -1
		case t.depth[a] >= t.depth[b]:
			a = t.parent[a]
		default:
			b = t.parent[b]
		}
	}
	return a
}

// settle moves boxes without edges to the first layer that their cluster has
// otherwise.
func (t *tree) settle(boxes []Box, layer []int32, idle []bool) {
	if len(t.parent) == 0 {
		return
	}
	cluster := make([]int32, len(boxes))
	for i, b := range boxes {
		cluster[i] = int32(b.Cluster)
		if idle[i] {
			cluster[i] = -1
		}
	}
	first, _ := t.spans(layer, cluster)
	for i, b := range boxes {
		if idle[i] && b.Cluster >= 0 {
			layer[i] = first[b.Cluster]
		}
	}
}

// fillers calls add for each cluster and layer in which the cluster, from its
// first layer to its last, has no node: something has to hold its place there.
// Nothing is added when the clusters pass more than limit layers in all.
func (t *tree) fillers(layer, cluster []int32, limit int, add func(cluster, layer int32)) {
	n := len(t.parent)
	if n == 0 {
		return
	}
	first, last := t.spans(layer, cluster)
	total := 0
	for c := range n {
		total += int(last[c] - first[c] + 1)
	}
	if total > limit {
		return
	}
	held := make([][]bool, n)
	for c := range n {
		held[c] = make([]bool, last[c]-first[c]+1)
	}
	for v, c := range cluster {
		if c >= 0 {
			held[c][layer[v]-first[c]] = true
		}
	}
	for _, c := range t.deep {
		p := t.parent[c]
		for k := range held[c] {
			l := first[c] + int32(k)
			if !held[c][k] {
				add(c, l)
			}
			if p >= 0 {
				held[p][l-first[p]] = true
			}
		}
	}
}

// spans returns the first and the last layer of each cluster; of one without
// nodes the last stands before the first.
func (t *tree) spans(layer, cluster []int32) (first, last []int32) {
	first = make([]int32, len(t.parent))
	last = make([]int32, len(t.parent))
	for c := range last {
		last[c] = -1
	}
	widen := func(c, a, b int32) {
		if a > b {
			return
		}
		if last[c] < first[c] {
			first[c], last[c] = a, b
		}
		first[c], last[c] = min(first[c], a), max(last[c], b)
	}
	for v, c := range cluster {
		if c >= 0 {
			widen(c, layer[v], layer[v])
		}
	}
	for _, c := range t.deep {
		if p := t.parent[c]; p >= 0 {
			widen(p, first[c], last[c])
		}
	}
	return first, last
}

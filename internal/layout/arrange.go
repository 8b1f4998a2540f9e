package layout

import (
	"cmp"
	"slices"
)

// rankBy orders the clusters by the mean key of the nodes in them.
func (t *tree) rankBy(cluster []int32, key []float64) {
	n := len(t.parent)
	sum, count := make([]float64, n), make([]float64, n)
	for v, c := range cluster {
		for ; c >= 0; c = t.parent[c] {
			sum[c] += key[v]
			count[c]++
		}
	}
	order := make([]int32, n)
	for c := range order {
		order[c] = int32(c)
		sum[c] /= max(count[c], 1)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(sum[a], sum[b]) })
	for k, c := range order {
		t.rank[c] = int32(k)
	}
}

// An arranger makes the nodes of each cluster contiguous in a layer, and
// orders the clusters of one parent by rank.
type arranger struct {
	tree *tree
	sets []set   // of the clusters, from 1 on; 0 is the outside
	used []int32 // those that the layer has
}

// A set is what one cluster has in the layer.
type set struct {
	nodes      []int32 // those in no inner cluster, by key
	inner      []int32 // its clusters in this layer
	sum, count float64 // of the keys of all its nodes
	key        float64
}

// layer rearranges a layer that is sorted by key.
func (a *arranger) layer(layer, cluster []int32, key []float64) {
	if len(a.tree.parent) == 0 {
		return
	}
	if a.sets == nil {
		a.sets = make([]set, len(a.tree.parent)+1)
	}
	a.used = a.used[:0]
	for _, v := range layer {
		inner := int32(-1)
		for c := cluster[v]; ; c = a.tree.parent[c] {
			s := &a.sets[c+1]
			fresh := s.count == 0
			s.sum += key[v]
			s.count++
			if c == cluster[v] {
				s.nodes = append(s.nodes, v)
			}
			if inner >= 0 {
				s.inner = append(s.inner, inner)
				inner = -1
			}
			if fresh {
				a.used = append(a.used, c+1)
				inner = c
			}
			if c < 0 {
				break
			}
		}
	}
	for _, u := range a.used {
		a.level(&a.sets[u])
	}
	a.emit(layer[:0], 0, key)
	for _, u := range a.used {
		s := &a.sets[u]
		*s = set{nodes: s.nodes[:0], inner: s.inner[:0]}
	}
}

// level gives the inner clusters of a set keys that ascend with their ranks and
// are as near as can be to the means of their nodes: those in the wrong order
// share the mean of both (pool adjacent violators).
func (a *arranger) level(s *set) {
	slices.SortFunc(s.inner, func(x, y int32) int { return int(a.tree.rank[x] - a.tree.rank[y]) })
	for k, c := range s.inner {
		in := &a.sets[c+1]
		in.key = in.sum / in.count
		sum, count := in.sum, in.count
		first := k
		for first > 0 && a.sets[s.inner[first-1]+1].key > sum/count {
			// The clusters before with an equal key are one pool.
			pool := a.sets[s.inner[first-1]+1].key
			for first > 0 && a.sets[s.inner[first-1]+1].key == pool {
				first--
				before := &a.sets[s.inner[first]+1]
				sum += pool * before.count
				count += before.count
			}
		}
		for _, c := range s.inner[first : k+1] {
			a.sets[c+1].key = sum / count
		}
	}
}

// emit appends the nodes of a set: its own and its clusters, merged by key.
func (a *arranger) emit(to []int32, at int32, key []float64) []int32 {
	s := &a.sets[at]
	k := 0
	for _, c := range s.inner {
		for k < len(s.nodes) && key[s.nodes[k]] <= a.sets[c+1].key {
			to = append(to, s.nodes[k])
			k++
		}
		to = a.emit(to, c+1, key)
	}
	return append(to, s.nodes[k:]...)
}

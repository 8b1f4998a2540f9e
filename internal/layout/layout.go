// Package layout places the boxes and lines of a graph without cycles, top to
// bottom in layers (K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual
// understanding of hierarchical system structures", IEEE Trans. SMC 11(2),
// 1981). It knows sizes and numbers only, in whatever unit the caller has.
//
// The steps, one file each: layers (layer.go), a node for each layer that a
// line passes (net.go), the order within layers (order.go), places across
// (align.go, compact.go), places down and lines (route.go, frame.go). The same
// input has the same output, on every machine.
package layout

import "math"

// A Point is a place; X grows to the right, Y downwards.
type Point struct{ X, Y float64 }

// A Rect is a rectangle, given by its upper left corner and its size.
type Rect struct{ X, Y, W, H float64 }

// A Box is a node of the graph: its size, and the place of its cluster in
// [Graph.Clusters], or -1.
type Box struct {
	W, H    float64
	Cluster int
}

// A Cluster is a set of boxes that are framed together. Parent is the place of
// the cluster it lies in, or -1. Title is room at its top.
type Cluster struct {
	Parent int
	Title  float64
}

// A Graph is what to lay out. Edges lead from a producer to a consumer, by
// place in Boxes; parallel ones are allowed. Edges that close a cycle and
// edges from or to nowhere are not drawn. A size that is no finite positive
// number counts as 0, a cluster that does not exist as -1.
type Graph struct {
	Boxes    []Box
	Edges    [][2]int
	Clusters []Cluster
}

// Options are distances; 0 takes the default.
type Options struct {
	Across float64 // between two boxes of a layer: 24; half as much beside lines
	Down   float64 // between two layers: 40
	Pad    float64 // between the frame of a cluster and what is in it: 12
}

// A Layout is where everything lies. The slices go with those of the graph.
// An edge is a line through two points or more, from the bottom of its
// producer to the top of its consumer; nil for edges that are not drawn. A
// cluster without boxes has no size. Layers holds the boxes of each layer
// from left to right, the layers from top to bottom.
type Layout struct {
	Boxes    []Rect
	Edges    [][]Point
	Clusters []Rect
	Layers   [][]int
	W, H     float64
}

// Compute lays the graph out. Boxes without edges and cluster stand in rows
// of their own at the bottom. The effort is bounded: large graphs get fewer
// sweeps against crossings, and beyond some 200,000 crossed layers in all the
// longest lines are drawn straight, over what is in their way.
func Compute(g Graph, o Options) Layout {
	if len(g.Boxes) == 0 {
		return Layout{Edges: make([][]Point, len(g.Edges)), Clusters: make([]Rect, len(g.Clusters))}
	}
	g, o = cleaned(g), o.withDefaults()
	tree := newTree(g.Clusters)
	layer, drawn := layers(len(g.Boxes), g.Edges)
	alone := unconnected(g, drawn)
	tree.settle(g.Boxes, layer, alone)
	for i, b := range g.Boxes {
		alone[i] = alone[i] && b.Cluster < 0
	}
	n := newNet(g, tree, layer, drawn, alone)
	n.reduceCrossings()
	x := n.place(o)
	r := newRouter(g, o, n, x)
	r.rows()
	r.lines()
	r.frames()
	r.shelve(alone)
	return r.Layout
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		v       *float64
		initial float64
	}{{&o.Across, 24}, {&o.Down, 40}, {&o.Pad, 12}} {
		if *d.v = size(*d.v); *d.v == 0 {
			*d.v = d.initial
		}
	}
	return o
}

// cleaned returns the graph with sizes and clusters that can be computed with.
func cleaned(g Graph) Graph {
	boxes := make([]Box, len(g.Boxes))
	for i, b := range g.Boxes {
		b.W, b.H = size(b.W), size(b.H)
		if b.Cluster < 0 || b.Cluster >= len(g.Clusters) {
			b.Cluster = -1
		}
		boxes[i] = b
	}
	clusters := make([]Cluster, len(g.Clusters))
	for c, k := range g.Clusters {
		k.Title = size(k.Title)
		clusters[c] = k
	}
	return Graph{Boxes: boxes, Edges: g.Edges, Clusters: clusters}
}

// largest bounds what is added up, so that sums stay finite and exact enough.
const largest = 1e9

func size(v float64) float64 {
	if math.IsNaN(v) || v < 0 {
		return 0
	}
	return min(v, largest)
}

// unconnected tells which boxes have no edge.
func unconnected(g Graph, drawn []bool) []bool {
	idle := make([]bool, len(g.Boxes))
	for i := range idle {
		idle[i] = true
	}
	for e, ends := range g.Edges {
		if drawn[e] {
			idle[ends[0]], idle[ends[1]] = false, false
		}
	}
	return idle
}

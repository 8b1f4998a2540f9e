// Package viz draws graphs and runs.
//
// [SVG], [PNG] and [Text] are pictures; [JSON], [Cytoscape], [DOT] and [Mermaid]
// are for other programs. Each takes a graph, as [runnel.Pipeline.Graph] gives it,
// and with [WithReport] shows what became of a run of it: states, durations,
// attempts and the tasks that determined how long it took. All of them draw the
// same boxes, so that grouping and folding are alike everywhere.
//
// Equal graphs give equal pictures, to the byte. Functions are safe for concurrent
// use.
package viz

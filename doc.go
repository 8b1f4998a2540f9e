// Package runnel builds and runs data-driven workflows. A task declares the
// data it consumes and the data it produces; Runnel infers the graph, checks
// it before anything runs, runs whatever is ready in parallel, and hands typed
// results back.
package runnel

// Package viz draws pictures of graphs and of runs.
package viz

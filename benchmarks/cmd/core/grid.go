package main

import (
	"fmt"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/shape"
)

// A grid holds the same cases measured on several graphs.
type grid struct {
	title   string
	columns []string           // graphs
	rows    []string           // cases
	series  [][]measure.Series // by column and row
}

// measure fills the column of one graph.
func (g *grid) measure(set settings, on *shape.Graph, cases []measure.Case) error {
	series, err := measure.Interleave(cases, set.rounds, set.window)
	if err != nil {
		return fmt.Errorf("%s: %w", on.Name(), err)
	}
	g.columns = append(g.columns, on.Name())
	g.series = append(g.series, series)
	g.rows = nil
	for _, c := range cases {
		g.rows = append(g.rows, c.Name)
	}
	return nil
}

// at is the series of a case on the graph of a column.
func (g *grid) at(column int, row string) measure.Series {
	for i, name := range g.rows {
		if name == row {
			return g.series[column][i]
		}
	}
	panic("no case is called " + row)
}

// print writes a table for nanoseconds, one for bytes and one for allocations.
func (g *grid) print() {
	for _, unit := range []struct {
		name string
		of   func(measure.Cost) float64
	}{
		{"nanoseconds", func(c measure.Cost) float64 { return c.Nanoseconds }},
		{"bytes", func(c measure.Cost) float64 { return c.Bytes }},
		{"allocations", func(c measure.Cost) float64 { return c.Allocations }},
	} {
		t := report.NewTable(g.title+", "+unit.name+" per task", g.columns...)
		for i, name := range g.rows {
			var cells []string
			for k := range g.columns {
				cells = append(cells, report.Number(unit.of(g.series[k][i].Median())))
			}
			t.Row(name, cells...)
		}
		t.Print()
	}
}

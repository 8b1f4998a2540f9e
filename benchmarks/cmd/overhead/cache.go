package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/drivers/dircache"
	"github.com/runnelflow/runnel/resultcache"
)

// mostHit is the most that a result from the cache may take, in nanoseconds, for an
// input of 1 KB.
const mostHit = 20_000

// record is an input of about 1 KB that has to be written to be hashed.
type record struct {
	Name   string
	Values []float64
	Tags   map[string]string
}

func newRecord(n int) record {
	r := record{Name: "record", Values: make([]float64, 120), Tags: map[string]string{"a": "b", "c": "d"}}
	r.Values[0] = float64(n)
	return r
}

// elements is how many results a run of a mapped task takes from the cache.
const elements = 1000

// cacheSection measures runs in which every result is in the cache. All that a run
// costs counts.
func cacheSection(set settings, goals *report.Targets) error {
	dir, err := os.MkdirTemp("", "overhead")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	folder, err := dircache.Open(dir, 0)
	if err != nil {
		return err
	}
	memory := resultcache.NewMemory(1 << 30)

	sums := runnel.Each("sums", "records", func(_ context.Context, r record) (float64, error) { return r.Values[0], nil }, runnel.Cached("1", 0))
	name := runnel.NewTask("name", runnel.Pure(func(in struct{ Record record }) string { return in.Record.Name }), runnel.Cached("1", 0))
	size := runnel.NewTask("size", runnel.Pure(func(in struct{ Raw []byte }) int { return len(in.Raw) }), runnel.Cached("1", 0))
	records := make([]record, elements)
	for i := range records {
		records[i] = newRecord(i)
	}
	raw := bytes.Repeat([]byte{7}, 1024)

	type row struct {
		name    string
		task    runnel.AnyTask
		in      runnel.Values
		hits    int
		store   resultcache.Store
		bounded bool
	}
	rows := []row{
		{"an element, of a run with 1,000", sums, runnel.Values{"records": records}, elements, memory, true},
		{"a run of one task, input a struct", name, runnel.Values{"record": newRecord(1)}, 1, memory, true},
		{"a run of one task, input bytes", size, runnel.Values{"raw": raw}, 1, memory, true},
		{"an element, from a directory", sums, runnel.Values{"records": records}, elements, folder, false},
	}
	var cases []measure.Case
	for _, r := range rows {
		p, err := runnel.FromTasks(r.task)
		if err != nil {
			return err
		}
		first := true
		cases = append(cases, measure.Case{Name: r.name, Tasks: r.hits, Run: func() error {
			res, err := p.Run(context.Background(), r.in, runnel.ResultCache(r.store))
			if err != nil {
				return err
			}
			if hits := res.Report().Cache.Hits; !first && hits != r.hits {
				return fmt.Errorf("%d of %d results were in the cache", hits, r.hits)
			}
			first = false
			return nil
		}})
	}
	series, err := measure.Interleave(cases, set.rounds, set.window)
	if err != nil {
		return err
	}
	table := report.NewTable("A result that is in the cache, for an input of 1 KB", "µs", "µs of processor time", "bytes", "allocations")
	for i, r := range rows {
		m := series[i].Median()
		table.Row(r.name, report.Number(m.Nanoseconds/1000), report.Number(m.CPU/1000), report.Number(m.Bytes), report.Number(m.Allocations))
		if r.bounded {
			goals.Add(report.Target{What: "cache hit: " + r.name + ", µs", Measured: m.Nanoseconds / 1000, Bound: mostHit / 1000, Timed: true})
		}
	}
	table.Print()
	return nil
}

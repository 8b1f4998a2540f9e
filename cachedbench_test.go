package runnel_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/resultcache"
)

// BenchmarkCacheHit is what a result that is in the cache costs, for an input of 1 KB:
// its content is written and hashed, the entry is found and read. It is to be less than
// 20 µs. An element is one hit; a run is a whole run of a single task that is one.
func BenchmarkCacheHit(b *testing.B) {
	type record struct {
		Name   string
		Values []float64
		Tags   map[string]string
	}
	make1KB := func(n int) record {
		r := record{Name: "record", Values: make([]float64, 100), Tags: map[string]string{"a": "b", "c": "d"}}
		r.Values[0] = float64(n)
		return r
	}
	store := runnel.ResultCache(resultcache.NewMemory(1 << 30))
	b.Run("element", func(b *testing.B) {
		task := runnel.Each("sums", "records", func(_ context.Context, r record) (float64, error) { return r.Values[0], nil }, runnel.Cached("1", 0))
		p := pipelineOf(b, task)
		records := make([]record, 1000)
		for i := range records {
			records[i] = make1KB(i)
		}
		mustRun(b, p, runnel.Values{"records": records}, store)
		b.ReportAllocs()
		hits := 0
		for b.Loop() {
			hits += mustRun(b, p, runnel.Values{"records": records}, store).Report().Cache.Hits
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(hits), "ns/hit")
	})
	b.Run("run", func(b *testing.B) {
		task := runnel.NewTask("name", runnel.Pure(func(in struct{ Record record }) string { return in.Record.Name }), runnel.Cached("1", 0))
		p := pipelineOf(b, task)
		in := runnel.Values{"record": make1KB(1)}
		mustRun(b, p, in, store)
		b.ReportAllocs()
		for b.Loop() {
			mustRun(b, p, in, store)
		}
	})
	b.Run("bytes", func(b *testing.B) {
		task := runnel.NewTask("size", runnel.Pure(func(in struct{ Raw []byte }) int { return len(in.Raw) }), runnel.Cached("1", 0))
		p := pipelineOf(b, task)
		in := runnel.Values{"raw": bytes.Repeat([]byte{7}, 1024)}
		mustRun(b, p, in, store)
		b.ReportAllocs()
		for b.Loop() {
			mustRun(b, p, in, store)
		}
	})
}

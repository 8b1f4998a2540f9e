package runnel_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/runnelflow/runnel"
)

const million = 1_000_000

func perItem(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/million, "ns/item")
}

func double(_ context.Context, n int) (int, error) { return 2 * n, nil }

func add(_ context.Context, a, b int) (int, error) { return a + b, nil }

// BenchmarkMap is what a million items that do nothing cost.
func BenchmarkMap(b *testing.B) {
	items := make([]int, million)
	for name, opts := range map[string][]runnel.BatchOption{
		"default":   nil,
		"chunks100": {runnel.ChunkSize(100)},
		"adaptive":  {runnel.AdaptiveChunks(1, 10_000)},
		"progress":  {runnel.Progress(func(int, int) {})},
		"retries":   {runnel.Retries(1)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := runnel.Map(b.Context(), items, double, opts...); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b)
		})
	}
}

// BenchmarkMapByHand is the same with a goroutine an item and a semaphore, beside
// which Map is measured.
func BenchmarkMapByHand(b *testing.B) {
	items := make([]int, million)
	b.ReportAllocs()
	for b.Loop() {
		results := make([]int, len(items))
		slots := make(chan struct{}, 1024)
		var wg sync.WaitGroup
		for i, n := range items {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				results[i], _ = double(b.Context(), n)
			})
		}
		wg.Wait()
	}
	perItem(b)
}

func BenchmarkReduce(b *testing.B) {
	items := make([]int, million)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := runnel.Reduce(b.Context(), items, 0, add); err != nil {
			b.Fatal(err)
		}
	}
	perItem(b)
}

func BenchmarkReduceTree(b *testing.B) {
	items := make([]int, million)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := runnel.ReduceTree(b.Context(), items, add); err != nil {
			b.Fatal(err)
		}
	}
	perItem(b)
}

func BenchmarkMapSeq(b *testing.B) {
	items := make([]int, million)
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range runnel.MapSeq(b.Context(), slices.Values(items), double) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	perItem(b)
}

// BenchmarkMapFewItems is what a call costs by itself.
func BenchmarkMapFewItems(b *testing.B) {
	items := []int{1, 2, 3}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := runnel.Map(b.Context(), items, double); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTaskFunc is what a call of a declared task costs.
func BenchmarkTaskFunc(b *testing.B) {
	f := runnel.NewTask("y", runnel.Pure(func(in struct{ X int }) int { return in.X })).Func()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f(b.Context(), struct{ X int }{1}); err != nil {
			b.Fatal(err)
		}
	}
}

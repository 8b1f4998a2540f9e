package runnel_test

import (
	"testing"

	"github.com/runnelflow/runnel"
)

func BenchmarkMillionElements(b *testing.B) {
	squares := runnel.NewMapTask("squares[i]", square)
	sum := runnel.NewTask("sum", runnel.Pure(func(in struct{ Squares []int }) int {
		total := 0
		for _, n := range in.Squares {
			total += n
		}
		return total
	}))
	p, err := runnel.FromTasks(sum, squares)
	if err != nil {
		b.Fatal(err)
	}
	in := make([]int, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(b.Context(), runnel.Values{"numbers": in}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/elem")
}

package runneltest_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/runneltest"
)

// printer stands for the test in these examples: it prints errors.
type printer struct{ testing.TB }

func (printer) Helper() {}

func (printer) Context() context.Context { return context.Background() }

func (printer) Errorf(format string, args ...any) {
	place := regexp.MustCompile(`\(\w+\.go:\d+\)`)
	fmt.Println(place.ReplaceAllString(fmt.Sprintf(format, args...), "(…)"))
}

func ExampleCheck() {
	t := printer{}

	extract := runnel.NewTask("features", runnel.Pure(func(in struct{ Paths []string }) []float64 { return nil }))
	count := runnel.NewTask("count", runnel.Pure(func(in struct{ Feature []float64 }) int { return len(in.Feature) }))

	runneltest.Check(t, runnel.NewPipeline().Add(extract, count))
	// Output:
	// runneltest: input "feature" of task "count" (…) is produced by no task; was "features" meant, which task "features" (…) produces? Correct one of the names, or declare the input with External[T]("feature")
}

func ExampleReadOnly() {
	t := printer{}

	median := runnel.NewTask("median", runnel.Pure(func(in struct{ Samples []float64 }) float64 {
		slices.Sort(in.Samples) // changes what other tasks see
		return in.Samples[len(in.Samples)/2]
	}))

	runneltest.ReadOnly(t, runnel.NewPipeline().Add(median), runnel.Values{"samples": []float64{3, 1, 2}})
	// Output:
	// runneltest: task "median" (…) changes its input "samples": samples[0] was 3, is 1. Other tasks see the same value, so copy what is to be changed (slices.Clone, maps.Clone)
}

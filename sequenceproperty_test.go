package runnel_test

import (
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// checkSequence holds a run of a random sequence against plain Go.
func checkSequence(t *rapid.T, s *modelSequence, p *runnel.Pipeline, input int, mode runnel.ErrorMode, limit int, run func(runnel.Values, ...runnel.RunOption) (*runnel.Result, error)) {
	failures := 0
	want := s.run(modelled{v: input}, &failures)
	res, err := run(runnel.Values{"input": input}, runnel.OnError(mode), runnel.MaxParallel(limit))
	var failed *runnel.RunError
	switch {
	case failures == 0 || mode == runnel.SkipFailed:
		if err != nil {
			t.Fatalf("mode %v, input %d: %v, with %d failures%v", mode, input, err, failures, s)
		}
	case !errors.As(err, &failed) || !errors.Is(err, errModel):
		t.Fatalf("mode %v, input %d: error %v, want the failure of a function%v", mode, input, err, s)
	case mode == runnel.FailFast:
		if n := len(failed.Tasks); n < 1 || n > failures {
			t.Fatalf("%d tasks failed, want 1 to %d%v", n, failures, s)
		}
		return
	case len(failed.Tasks) != failures:
		t.Fatalf("%d failures, want %d: %v%v", len(failed.Tasks), failures, err, s)
	}
	got, err := runnel.Get[any](res, "result")
	if want.missing() {
		if err == nil {
			t.Fatalf("mode %v, input %d, limit %d: result %v, want none, since a step failed or was skipped%v\n%v", mode, input, limit, got, s, res.Report())
		}
		return
	}
	if err != nil || !reflect.DeepEqual(got, want.v) {
		t.Fatalf("mode %v, input %d, limit %d: result %v, %v, want %v%v\n%v", mode, input, limit, got, err, want.v, s, res.Report())
	}
}

// TestRandomSequencesAreLoops: a sequence gives what a plain loop gives, in every
// mode, whatever fails.
func TestRandomSequencesAreLoops(t *testing.T) {
	for name, fails := range map[string]bool{"without failures": false, "with failures": true} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s := sequenceDraw{rt, fails, 2}.sequence(7, false)
				p, err := s.build().Build()
				if err != nil {
					rt.Fatalf("a sequence of steps that fit is refused: %v%v", err, s)
				}
				run := func(in runnel.Values, opts ...runnel.RunOption) (*runnel.Result, error) {
					return p.Run(t.Context(), in, opts...)
				}
				for _, mode := range []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError, runnel.SkipFailed} {
					limit := rapid.SampledFrom(randomLimits).Draw(rt, "limit")
					checkSequence(rt, s, p, rapid.IntRange(-20, 20).Draw(rt, "input"), mode, limit, run)
				}
			})
		})
	}
}

// TestSequencesRunConcurrently: what Build returned may be run many times at once,
// while the sequence that it came from goes on to grow.
func TestSequencesRunConcurrently(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := sequenceDraw{rt, true, 1}.sequence(6, false)
		seq := s.build()
		p, err := seq.Build()
		if err != nil {
			rt.Fatal(err)
		}
		type outcome struct {
			res *runnel.Result
			err error
		}
		inputs := rapid.SliceOfN(rapid.IntRange(-20, 20), 4, 4).Draw(rt, "inputs")
		outcomes := make([]outcome, len(inputs))
		var runs sync.WaitGroup
		for i, n := range inputs {
			runs.Go(func() {
				outcomes[i].res, outcomes[i].err = p.Run(t.Context(), runnel.Values{"input": n}, runnel.OnError(runnel.ContinueOnError))
			})
		}
		seq.CallNext(func(any) int { return -1 })
		runs.Wait()
		for i, n := range inputs {
			checkSequence(rt, s, p, n, runnel.ContinueOnError, 0, func(runnel.Values, ...runnel.RunOption) (*runnel.Result, error) {
				return outcomes[i].res, outcomes[i].err
			})
		}
	})
}

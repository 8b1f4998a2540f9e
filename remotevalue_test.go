package runnel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// coded is a broker whose values travel as JSON. It counts what the run reads of what
// workers have made, and what it hands on unread.
type coded struct {
	*broker.Memory
	read, passed atomic.Int64
	damaged      string          // the task whose outputs the run cannot read
	slow         <-chan struct{} // the run's reading waits for it
}

// made is an output as the run has it.
type made struct {
	by   *coded
	task string
	data []byte
}

func (v *made) Decode(ctx context.Context, into any) error {
	v.by.read.Add(1)
	if v.by.slow != nil {
		select {
		case <-v.by.slow:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	switch v.by.damaged {
	case v.task:
		return errors.New("it is damaged")
	case v.task + "!":
		panic("it is damaged")
	}
	return json.Unmarshal(v.data, into)
}

// sent is an input as a worker has it.
type sent []byte

func (v sent) Decode(_ context.Context, into any) error { return json.Unmarshal(v, into) }

func (b *coded) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	for _, r := range results {
		for k, v := range r.Outputs {
			data, err := json.Marshal(v.(broker.Go).V)
			if err != nil {
				return 0, err
			}
			r.Outputs[k] = &made{b, r.Task, data}
		}
	}
	return b.Memory.Finish(ctx, d, results...)
}

func (b *coded) Submit(ctx context.Context, batches []broker.Batch) error {
	for _, j := range slices.Concat(batches...) {
		for i := range j.Inputs {
			j.Inputs[i].Value = b.out(j.Inputs[i].Value)
		}
	}
	return b.Memory.Submit(ctx, batches)
}

func (b *coded) out(v broker.Value) broker.Value {
	switch v := v.(type) {
	case broker.Go:
		data, err := json.Marshal(v.V)
		if err != nil {
			panic(err)
		}
		return sent(data)
	case *made:
		b.passed.Add(1)
		return sent(v.data)
	case broker.List:
		out := make(broker.List, len(v))
		for i := range v {
			out[i] = b.out(v[i])
		}
		return out
	}
	return v
}

// carriedCases are pipelines whose tasks take what others make in all ways, and how many
// values the run reads of them if all but the last is let go.
func carriedCases() map[string]struct {
	tasks []runnel.AnyTask
	in    runnel.Values
	last  string
	reads int64
} {
	type pair struct {
		Left, Right []string
		Count       int `runnel:"many"`
	}
	words := runnel.NewTask("words", runnel.Pure(func(in struct{ N int }) []string {
		return strings.Fields(strings.Repeat("a bb ", in.N))
	}))
	squares := runnel.NewMapTask("squares[i]", runnel.Pure(func(in struct {
		N int `runnel:"ns[i]"`
	}) []int {
		return []int{in.N, in.N * in.N}
	}))
	scores := runnel.NewMapTask("scores[i,j]", runnel.Pure(func(in struct {
		N int    `runnel:"ns[i]"`
		W string `runnel:"ws[j]"`
	}) string {
		return fmt.Sprint(in.N, in.W)
	}))
	pages := runnel.NewExpandTask("pages[i,k]", func(_ context.Context, in struct {
		N int `runnel:"ns[i]"`
	}) ([]int, error) {
		return slices.Repeat([]int{in.N}, in.N), nil
	})
	lines := runnel.NewMapTask("lines[i,k]", runnel.Pure(func(in struct {
		Page int `runnel:"pages[i,k]"`
	}) string {
		return fmt.Sprint("line", in.Page)
	}))
	ns, ws := []int{2, 0, 3}, []string{"x", "y"}
	return map[string]struct {
		tasks []runnel.AnyTask
		in    runnel.Values
		last  string
		reads int64
	}{
		"plain": {[]runnel.AnyTask{words, runnel.NewTask("last", runnel.Pure(func(in struct {
			Words runnel.Opt[[]string]
			N     int
		}) int {
			return len(in.Words.Value) + in.N
		}))}, runnel.Values{"n": 2}, "last", 1},
		"several outputs": {[]runnel.AnyTask{words,
			runnel.NewMultiTask(runnel.NoContext(func(in struct{ Words []string }) (pair, error) {
				return pair{in.Words[:1], in.Words[1:], len(in.Words)}, nil
			})),
			runnel.NewTask("last", runnel.Pure(func(in struct {
				Right []string
				Many  int
			}) string {
				return fmt.Sprint(in.Right, in.Many)
			}))}, runnel.Values{"n": 2}, "last", 2}, // nobody takes left, so it is read at once
		"elements, then the whole": {[]runnel.AnyTask{squares,
			runnel.NewMapTask("sums[i]", runnel.Pure(func(in struct {
				Pair []int `runnel:"squares[i]"`
			}) int {
				return in.Pair[0] + in.Pair[1]
			})),
			runnel.NewTask("last", runnel.Pure(func(in struct {
				Squares [][]int
				Sums    []int
			}) string {
				return fmt.Sprint(in.Squares, in.Sums)
			}))}, runnel.Values{"ns": ns}, "last", 1},
		"rows and two axes": {[]runnel.AnyTask{scores,
			runnel.NewMapTask("best[i]", runnel.Pure(func(in struct {
				Row []string `runnel:"scores[i]"`
			}) string {
				return slices.Max(in.Row)
			})),
			runnel.NewTask("last", runnel.Pure(func(in struct {
				Scores [][]string
				Best   []string
			}) string {
				return fmt.Sprint(in.Scores, in.Best)
			}))}, runnel.Values{"ns": ns, "ws": ws}, "last", 1},
		"with holes": {[]runnel.AnyTask{scores, squares,
			runnel.NewTask("last", runnel.Pure(func(in struct {
				Scores  runnel.Partial[string] // flat
				Squares runnel.Partial[[]int]
			}) string {
				return fmt.Sprint(in.Scores, in.Squares)
			}))}, runnel.Values{"ns": ns, "ws": ws}, "last", 1},
		"ragged": {[]runnel.AnyTask{pages, lines,
			runnel.NewMapTask("joined[i]", runnel.Pure(func(in struct {
				Row []string `runnel:"lines[i]"`
			}) string {
				return strings.Join(in.Row, "+")
			})),
			runnel.NewTask("last", runnel.Pure(func(in struct {
				Lines  [][]string
				Joined []string
			}) string {
				return fmt.Sprintf("%q %q", in.Lines, in.Joined)
			}))}, runnel.Values{"ns": ns}, "last", 3 + 1}, // the rows of pages, which fan out
	}
}

// TestValuesGoFromWorkerToWorkerUnread: with targets the run reads nothing but what is
// asked for; without, everything once. The results are those of one process.
func TestValuesGoFromWorkerToWorkerUnread(t *testing.T) {
	for name, c := range carriedCases() {
		for _, how := range []struct {
			name string
			opts []runnel.RunOption
			all  bool
		}{
			{"targets", []runnel.RunOption{runnel.Targets(c.last)}, false},
			{"targets, two at once", []runnel.RunOption{runnel.Targets(c.last), runnel.MaxParallel(2)}, false},
			{"direct", []runnel.RunOption{runnel.Targets(c.last), runnel.DirectResults()}, false},
			{"kept", []runnel.RunOption{runnel.Targets(c.last), runnel.RunID("r")}, false},
			{"all outputs", nil, true},
		} {
			t.Run(name+"/"+how.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := pipelineOf(t, c.tasks...)
					b := &coded{Memory: &broker.Memory{}}
					defer employ(t, b, p)()
					res, err := p.Run(t.Context(), c.in, append(how.opts, runnel.WithBroker(b))...)
					if err != nil {
						t.Fatal(err)
					}
					here := mustRun(t, p, c.in)
					want := here.Outputs()
					if !how.all {
						want = map[string]any{c.last: want[c.last]}
						if b.read.Load() != c.reads || b.passed.Load() == 0 {
							t.Errorf("the run read %d values, want %d, and handed on %d", b.read.Load(), c.reads, b.passed.Load())
						}
					}
					if got := res.Outputs(); !reflect.DeepEqual(got, want) {
						t.Errorf("got %v, want %v", got, want)
					}
					read := b.read.Load()
					res.Outputs()
					if b.read.Load() != read {
						t.Error("a result was read again after the run")
					}
				})
			})
		}
	}
}

// TestValuesAreReadByThoseWhoNeedThemHere: an interceptor, a data cache, a result cache,
// a task that maps over what a worker made, and one that takes another type.
func TestValuesAreReadByThoseWhoNeedThemHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		words := runnel.NewTask("words", runnel.Pure(func(in struct{ N int }) []string { return slices.Repeat([]string{"w"}, in.N) }))
		long := runnel.NewMapTask("long[i]", runnel.Pure(func(in struct {
			W string `runnel:"words[i]"`
		}) string {
			return in.W + "!"
		}))
		other := runnel.NewTask("other", runnel.Pure(func(in struct{ Words any }) string { return fmt.Sprint(in.Words) }))
		count := runnel.NewTask("count", runnel.Pure(func(in struct {
			Words []string
			Long  runnel.Partial[string]
			Other string
		}) string {
			return fmt.Sprint(in.Words, in.Long.Values, in.Other)
		}))
		p := pipelineOf(t, words, long, other, count)
		b := &coded{Memory: &broker.Memory{}}
		defer employ(t, b, p)()
		var seen atomic.Value
		cache := runnel.NewDataCache()
		res, err := p.Run(t.Context(), runnel.Values{"n": 2}, runnel.WithBroker(b), runnel.Targets("count"), runnel.WithCache(cache),
			runnel.Intercept(func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
				if task.Task == "count" {
					seen.Store(task.Inputs()["words"])
				}
				return next(ctx)
			}))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := count.Get(res); err != nil || got != "[w w] [w! w!][w w]" {
			t.Errorf("got %q, %v", got, err)
		}
		cached, _ := cache.Get("words")
		for what, got := range map[string]any{"the interceptor": seen.Load(), "the cache": cached} {
			if !reflect.DeepEqual(got, []string{"w", "w"}) {
				t.Errorf("%s saw %v", what, got)
			}
		}
	})
}

// TestAnOutputThatCannotBeRead shows at its reader, by the name of the task that made it;
// workers that can read it do.
func TestAnOutputThatCannotBeRead(t *testing.T) {
	first := runnel.NewTask("first", runnel.Pure(func(in struct{ N int }) []int { return []int{in.N} }))
	second := runnel.NewTask("second", runnel.Pure(func(in struct{ First []int }) int { return in.First[0] + 1 }))
	apart := runnel.NewMapTask("apart[i]", runnel.Pure(func(in struct {
		N int `runnel:"first[i]"`
	}) int {
		return in.N
	}))
	for _, damaged := range []string{"first", "first!"} {
		t.Run(damaged, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pipelineOf(t, first, second, apart)
				b := &coded{Memory: &broker.Memory{}, damaged: damaged}
				defer employ(t, b, p)()
				res, err := p.Run(t.Context(), runnel.Values{"n": 1}, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
				want := fmt.Sprintf(`output "first" of task "first" (%s), which a worker has made, cannot be read: `, first.Location())
				if err == nil || !strings.Contains(err.Error(), "outputs or elements are not in the result: "+want) {
					t.Errorf("the run's error is %v, want %q", err, want)
				}
				if got, err := second.Get(res); err != nil || got != 2 {
					t.Errorf("second is %d, %v", got, err)
				}
				if r := taskReport(t, res.Report(), "apart"); r.State != runnel.Failed || !strings.Contains(r.Err.Error(), want) || !strings.Contains(r.Err.Error(), "it is damaged") {
					t.Errorf("apart %v: %v", r.State, r.Err)
				}
				if _, err := first.Get(res); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Get: %v", err)
				}
				if _, there := res.Outputs()["first"]; there {
					t.Error("Outputs has what cannot be read")
				}
			})
		})
	}
}

// TestARunThatEndsEarlyDoesNotWaitForValues that do not come, for long.
func TestARunThatEndsEarlyDoesNotWaitForValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := runnel.NewTask("first", runnel.Pure(func(in struct{ N int }) []int { return []int{in.N} }))
		second := runnel.NewTask("second", func(ctx context.Context, in struct{ First []int }) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		p := pipelineOf(t, first, second)
		b := &coded{Memory: &broker.Memory{}, slow: make(chan struct{})}
		defer employ(t, b, p)()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := p.Start(ctx, runnel.Values{"n": 1}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		cancel()
		_, err = r.Wait(t.Context())
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `output "first" of task "first"`) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestACoordinatorReadsNothing of what the workers of its runs make: who attaches does.
func TestACoordinatorReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := carriedCases()["elements, then the whole"]
		p := pipelineOf(t, c.tasks...)
		b := &coded{Memory: &broker.Memory{}}
		defer employ(t, b, p)()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- runnel.NewCoordinator(b, p).Run(ctx) }()
		id, err := p.Submit(t.Context(), c.in, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.read.Load() != 0 || b.passed.Load() == 0 {
			t.Errorf("the coordinator read %d values, and handed on %d", b.read.Load(), b.passed.Load())
		}
		r, err := p.Attach(t.Context(), id, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := res.Outputs(), mustRun(t, p, c.in).Outputs(); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

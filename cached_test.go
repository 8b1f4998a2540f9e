package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/resultcache"
)

type textIn = struct{ Text string }

// lengthTask is a task that makes the length of a text, and counts its calls.
func lengthTask(calls *atomic.Int32, opts ...runnel.TaskOption) *runnel.Task[textIn, int] {
	return runnel.NewTask("length", func(_ context.Context, in textIn) (int, error) {
		calls.Add(1)
		return len(in.Text), nil
	}, opts...)
}

func calledTimes(t testing.TB, calls *atomic.Int32, want int, when string) {
	t.Helper()
	if got := int(calls.Swap(0)); got != want {
		t.Errorf("%s: %d calls, want %d", when, got, want)
	}
}

// TestCachedTaskIsCalledOnceForEachContent of its inputs, in whatever run, and again
// for another version, another name, other types, or in another store.
func TestCachedTaskIsCalledOnceForEachContent(t *testing.T) {
	var calls atomic.Int32
	store := runnel.ResultCache(resultcache.NewMemory(0))
	run := func(when string, want int, task *runnel.Task[textIn, int], in string, opts ...runnel.RunOption) {
		t.Helper()
		res := mustRun(t, pipelineOf(t, task), runnel.Values{"text": in}, opts...)
		if got, err := task.Get(res); err != nil || got != len(in) {
			t.Errorf("%s: got %v, %v, want %d", when, got, err, len(in))
		}
		calledTimes(t, &calls, want, when)
	}
	v1 := lengthTask(&calls, runnel.Cached("1", 0))
	run("at first", 1, v1, "abc", store)
	run("again", 0, v1, "abc", store)
	run("with another text", 1, v1, "abcd", store)
	run("with the first one", 0, v1, "abc", store)
	run("declared once more", 0, lengthTask(&calls, runnel.Cached("1", time.Hour)), "abc", store)
	run("in another version", 1, lengthTask(&calls, runnel.Cached("2", 0)), "abc", store)
	run("under another name", 1, v1.As("size"), "abc", store)
	run("in another store", 1, v1, "abc", runnel.ResultCache(resultcache.NewMemory(0)))
	run("without Cached", 1, lengthTask(&calls), "abc", store)
	run("without Cached again", 1, lengthTask(&calls), "abc", store)

	var others atomic.Int32
	other := runnel.NewTask("length", func(_ context.Context, in struct{ Text []byte }) (int, error) {
		others.Add(1)
		return -1, nil
	}, runnel.Cached("1", 0))
	if got, _ := other.Get(mustRun(t, pipelineOf(t, other), runnel.Values{"text": []byte("abc")}, store)); got != -1 {
		t.Errorf("a task that takes another type got the result %d of the one that takes a string", got)
	}
	calledTimes(t, &others, 1, "with another type")
}

// TestCachedWorksWithoutAStore, in this process, also as a default of a pipeline; and a
// pipeline may have a store, over which that of the run goes.
func TestCachedWorksWithoutAStore(t *testing.T) {
	var calls atomic.Int32
	task := lengthTask(&calls, runnel.Name(t.Name())) // a name that no other test has
	for i, want := range []int{1, 0} {
		p := runnel.NewPipeline(runnel.Defaults(runnel.Cached("1", 0))).Add(task)
		mustRun(t, p, runnel.Values{"text": "abc"})
		calledTimes(t, &calls, want, fmt.Sprintf("run %d", i+1))
	}
	if n, err := resultcache.Default().Invalidate(t.Context(), t.Name(), ""); n != 1 || err != nil {
		t.Errorf("Invalidate: %d, %v, want 1", n, err)
	}
	own, other := resultcache.NewMemory(0), resultcache.NewMemory(0)
	p := runnel.NewPipeline(runnel.ResultCache(own)).Add(lengthTask(&calls, runnel.Cached("1", 0)))
	mustRun(t, p, runnel.Values{"text": "abc"})
	mustRun(t, p, runnel.Values{"text": "abc"})
	calledTimes(t, &calls, 1, "with the pipeline's store")
	mustRun(t, p, runnel.Values{"text": "abc"}, runnel.ResultCache(other))
	calledTimes(t, &calls, 1, "with the run's store")
	for _, s := range []resultcache.Store{own, other} {
		if st, _ := s.Stats(t.Context()); st.Entries != 1 {
			t.Errorf("a store has %d entries, want 1", st.Entries)
		}
	}
}

// TestCachedResultIsUsedForItsTTL and not a nanosecond longer; a shorter one holds for
// what is there.
func TestCachedResultIsUsedForItsTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		store := runnel.ResultCache(resultcache.NewMemory(0))
		run := func(when string, ttl time.Duration, want int) {
			t.Helper()
			mustRun(t, pipelineOf(t, lengthTask(&calls, runnel.Cached("1", ttl))), runnel.Values{"text": "abc"}, store)
			calledTimes(t, &calls, want, when)
		}
		run("at first", time.Hour, 1)
		time.Sleep(time.Hour - 1)
		run("a nanosecond before the hour", time.Hour, 0)
		run("with a ttl of half an hour", time.Hour/2, 1)
		time.Sleep(time.Hour / 2)
		run("after half an hour", time.Hour/2, 1)
		run("for ever", 0, 0)
		time.Sleep(time.Hour)
		run("after an hour, kept for half of one", 0, 1)
		time.Sleep(1e6 * time.Hour)
		run("after a century, kept for ever", 0, 0)
	})
}

// TestOneOfManyElementsRuns when one of 10,000 inputs has changed.
func TestOneOfManyElementsRuns(t *testing.T) {
	const n = 10_000
	var calls atomic.Int32
	squares := runnel.NewMapTask("squares[i]", func(_ context.Context, in struct {
		Number int `runnel:"numbers[i]"`
		Add    []int
	}) (int, error) {
		calls.Add(1)
		return in.Number*in.Number + in.Add[0], nil
	}, runnel.Cached("1", 0))
	p := pipelineOf(t, squares)
	store := runnel.ResultCache(resultcache.NewMemory(0))
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	run := func(when string, want int, add int, opts ...runnel.RunOption) *runnel.Report {
		t.Helper()
		res := mustRun(t, p, runnel.Values{"numbers": slices.Clone(numbers), "add": []int{add}}, append(opts, store)...)
		got, err := squares.Get(res)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != numbers[i]*numbers[i]+add {
				t.Fatalf("%s: element %d is %d", when, i, v)
			}
		}
		calledTimes(t, &calls, want, when)
		return res.Report()
	}
	run("at first", n, 1)
	numbers[4711] = -5
	r := run("with one changed", 1, 1)
	if c := r.Cache; c == nil || c.Hits != n-1 || c.Misses != 1 || c.BytesStored == 0 || c.BytesRead < n {
		t.Errorf("the report has %v", c)
	}
	task, _ := r.Task("squares")
	if *task.Cache != *r.Cache || task.Elements.Succeeded != n || task.Elements.Attempts != 1 {
		t.Errorf("the task's has %v, and %+v", task.Cache, task.Elements)
	}
	if s := r.String(); !strings.Contains(s, "10000 elements, 9999 from the result cache") || !strings.Contains(s, "result cache: 9999 hits, 1 misses;") {
		t.Errorf("the text is\n%s", s)
	}
	run("with none changed", 0, 1, runnel.MaxParallel(1))
	numbers = append(numbers, 3) // equal to another
	run("with an equal one more", 0, 1)
	run("with what all take changed", n, 2) // of n+1, two are equal
}

// TestEqualCallsAtOnceAreMadeOnce, in one run and across runs, at whatever limit.
func TestEqualCallsAtOnceAreMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		slow := runnel.NewMapTask("lengths[i]", func(_ context.Context, in struct {
			Text string `runnel:"texts[i]"`
		}) (int, error) {
			calls.Add(1)
			time.Sleep(time.Minute)
			return len(in.Text), nil
		}, runnel.Cached("1", 0))
		p := pipelineOf(t, slow)
		for _, limit := range []int{0, 1, 3} {
			store := runnel.ResultCache(resultcache.NewMemory(0))
			began := time.Now()
			done := make(chan error)
			for range 5 {
				go func() {
					res, err := p.Run(t.Context(), runnel.Values{"texts": []string{"a", "bb", "a", "a", "bb"}}, store, runnel.MaxParallel(limit))
					if err == nil {
						got, _ := slow.Get(res)
						if c := res.Report().Cache; !slices.Equal(got, []int{1, 2, 1, 1, 2}) || c.Hits+c.Misses != 5 {
							err = fmt.Errorf("got %v, %v", got, c)
						}
					}
					done <- err
				}()
			}
			for range 5 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			calledTimes(t, &calls, 2, fmt.Sprintf("limit %d", limit))
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("limit %d: it took %v", limit, took)
			}
		}
	})
}

// TestAnotherTakesOver when the one that makes a result fails or is cancelled: nobody
// waits for its retries, and none gets its error.
func TestAnotherTakesOver(t *testing.T) {
	broken := errors.New("broken")
	type how struct {
		name  string
		limit int
		opts  []runnel.TaskOption
		stop  bool
	}
	for _, h := range []how{
		{"fails", 0, nil, false},
		{"fails at limit 1", 1, nil, false},
		{"retries", 0, []runnel.TaskOption{runnel.Retries(1), runnel.RetryDelay(time.Hour), runnel.RetryJitter(false), runnel.MaxRetryTime(0)}, false},
		{"retries at limit 1", 1, []runnel.TaskOption{runnel.Retries(1), runnel.RetryDelay(time.Hour), runnel.RetryJitter(false), runnel.MaxRetryTime(0)}, false},
		{"is cancelled", 0, nil, true},
	} {
		t.Run(h.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				task := runnel.NewTask("length", func(ctx context.Context, in textIn) (int, error) {
					first := calls.Add(1) == 1
					select {
					case <-time.After(time.Minute):
					case <-ctx.Done():
						return 0, ctx.Err()
					}
					if first {
						return 0, broken
					}
					return len(in.Text), nil
				}, append(h.opts, runnel.Cached("1", 0))...)
				p := pipelineOf(t, task)
				store := runnel.ResultCache(resultcache.NewMemory(0))
				var runs []*runnel.Run
				for range 4 {
					r, err := p.Start(t.Context(), runnel.Values{"text": "abc"}, store, runnel.MaxParallel(h.limit))
					if err != nil {
						t.Fatal(err)
					}
					runs = append(runs, r)
					synctest.Wait() // the first of them leads
				}
				if h.stop {
					runs[0].Cancel(nil)
				}
				began := time.Now()
				for i, r := range runs[1:] {
					res, err := r.Wait(t.Context())
					if err != nil {
						t.Fatalf("run %d: %v", i+1, err)
					}
					if v, err := task.Get(res); v != 3 || err != nil {
						t.Errorf("run %d: %v, %v", i+1, v, err)
					}
				}
				if took := time.Since(began); took > 2*time.Minute {
					t.Errorf("the others waited for %v", took)
				}
				_, err := runs[0].Wait(t.Context())
				if retries := h.opts != nil; retries != (err == nil) {
					t.Errorf("the first run: %v", err)
				}
				calledTimes(t, &calls, 2, "in all")
			})
		})
	}
}

// TestCancelledWhileItWaits: a run that waits for another's result is not held up by it.
func TestCancelledWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		task := runnel.NewTask("length", func(ctx context.Context, in textIn) (int, error) {
			calls.Add(1)
			time.Sleep(time.Hour)
			return len(in.Text), nil
		}, runnel.Cached("1", 0))
		p := pipelineOf(t, task)
		store := runnel.ResultCache(resultcache.NewMemory(0))
		first, _ := p.Start(t.Context(), runnel.Values{"text": "abc"}, store)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if _, err := p.Run(ctx, runnel.Values{"text": "abc"}, store); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it returned after %v", took)
		}
		if _, err := first.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		calledTimes(t, &calls, 1, "in all")
	})
}

// TestOnlySuccessesAreCached: no failure, no output of a fallback, and no skip, which
// is decided anew also when there is a result.
func TestOnlySuccessesAreCached(t *testing.T) {
	var calls atomic.Int32
	fails := runnel.NewTask("length", func(_ context.Context, in textIn) (int, error) {
		calls.Add(1)
		return 0, errors.New("broken")
	}, runnel.Cached("1", 0))
	memory := resultcache.NewMemory(0)
	store, in := runnel.ResultCache(memory), runnel.Values{"text": "abc"}
	for range 2 {
		if _, err := pipelineOf(t, fails).Run(t.Context(), in, store); err == nil {
			t.Error("no error")
		}
		calledTimes(t, &calls, 1, "a failure")
		mustRun(t, pipelineOf(t, fails.Fallback(func(context.Context, textIn, error) (int, error) { return 7, nil })), in, store)
		calledTimes(t, &calls, 1, "a fallback")
		mustRun(t, pipelineOf(t, fails.When(func(textIn) bool { return false })), in, store)
		calledTimes(t, &calls, 0, "a skip")
	}
	if st, _ := memory.Stats(t.Context()); st.Entries != 0 {
		t.Errorf("%d entries were kept", st.Entries)
	}
	wanted := true
	task := lengthTask(&calls, runnel.Cached("1", 0)).When(func(textIn) bool { return wanted })
	mustRun(t, pipelineOf(t, task), in, store)
	wanted = false
	if _, err := task.Get(mustRun(t, pipelineOf(t, task), in, store)); !errors.Is(err, runnel.ErrSkipped) {
		t.Errorf("its condition does not hold, and there is a result: %v", err)
	}
	wanted = true
	if v, err := task.Get(mustRun(t, pipelineOf(t, task), in, store)); v != 3 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	calledTimes(t, &calls, 1, "with a condition")
	panics := lengthTask(&calls, runnel.Cached("1", 0)).When(func(textIn) bool { panic("no") })
	if _, err := pipelineOf(t, panics).Run(t.Context(), in, store); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("its condition panics, and there is a result: %v", err)
	}
}

// TestCachedResultsAreCopies: who changes what a run returned does not change what the
// next one gets.
func TestCachedResultsAreCopies(t *testing.T) {
	made := []int{1, 2, 3}
	task := runnel.NewTask("list", func(context.Context, struct{}) ([]int, error) { return made, nil }, runnel.Cached("1", 0))
	p, store := pipelineOf(t, task), runnel.ResultCache(resultcache.NewMemory(0))
	for i := range 3 {
		got, err := task.Get(mustRun(t, p, nil, store))
		if err != nil || !slices.Equal(got, []int{1, 2, 3}) {
			t.Fatalf("run %d: %v, %v", i+1, got, err)
		}
		got[0] = 99
	}
}

// TestCachedRefusesWhatCannotBeTold apart or made again, when the graph is built, by
// the task, the input or output, and the field.
func TestCachedRefusesWhatCannotBeTold(t *testing.T) {
	cached := runnel.Cached("1", 0)
	for want, task := range map[string]runnel.AnyTask{
		`Cached: input "f": its content cannot be told from others: F`: runnel.NewTask("x", runnel.Pure(func(struct{ F func() }) int { return 0 }), cached),
		`H.s (string) is not exported`:                                 runnel.NewTask("x", runnel.Pure(func(struct{ H strings.Reader }) int { return 0 }), cached),
		`Cached: output "x" could not be made again from bytes: x`:     runnel.NewTask("x", runnel.Pure(func(struct{}) chan int { return nil }), cached),
		`x.V (interface {}) is an interface`:                           runnel.NewTask("x", runnel.Pure(func(struct{}) struct{ V any } { return struct{ V any }{} }), cached),
		`Cached: output "y" could not be made again`:                   runnel.NewValuesTask("x", nil, []string{"y"}, func(context.Context, runnel.Values) (runnel.Values, error) { return nil, nil }, cached),
		`Cached: the task has no output`:                               runnel.NewValuesTask("x", nil, nil, func(context.Context, runnel.Values) (runnel.Values, error) { return nil, nil }, cached),
		`Cached: the version must not be empty`:                        lengthTask(new(atomic.Int32), runnel.Cached(" ", 0)),
		`Cached: the ttl must be 0 or more, got -1s`:                   lengthTask(new(atomic.Int32), runnel.Cached("1", -time.Second)),
	} {
		if _, err := runnel.FromTasks(task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nwant one with %q", err, want)
		}
	}
	if err := runnel.NewPipeline(runnel.ResultCache(nil)).Add(lengthTask(new(atomic.Int32))).Build(); err == nil || !strings.Contains(err.Error(), "the store is nil") {
		t.Errorf("error %v", err)
	}
	if _, err := pipelineOf(t, lengthTask(new(atomic.Int32))).Run(t.Context(), runnel.Values{"text": ""}, runnel.ResultCache(nil)); err == nil || !strings.Contains(err.Error(), "the store is nil") {
		t.Errorf("error %v", err)
	}
	anything := runnel.NewTask("x", runnel.Pure(func(struct{ V any }) int { return 1 }), cached)
	_, err := pipelineOf(t, anything).Run(t.Context(), runnel.Values{"v": []any{1, make(chan int)}}, runnel.ResultCache(resultcache.NewMemory(0)))
	if err == nil || !strings.Contains(err.Error(), `Cached: input "v" (V)`) || !strings.Contains(err.Error(), "chan int") {
		t.Errorf("a channel in an interface: error %v", err)
	}
}

// TestCachedAndUncachedAgree: whatever runs were before, a run with the result cache
// gives what one without would.
func TestCachedAndUncachedAgree(t *testing.T) {
	type row struct {
		Name  string
		Parts map[string][]float64
	}
	rows := runnel.NewExpandTask("rows[i,k]", func(_ context.Context, in struct {
		Text string `runnel:"texts[i]"`
	}) ([]row, error) {
		if strings.Contains(in.Text, "x") {
			return nil, errors.New("x")
		}
		var out []row
		for f := range strings.FieldsSeq(in.Text) {
			out = append(out, row{f, map[string][]float64{f: {float64(len(f))}, "b": nil}})
		}
		return out, nil
	}, runnel.Cached("1", 0))
	sizes := runnel.NewMultiMapTask(func(_ context.Context, in struct {
		Row    row `runnel:"rows[i,k]"`
		Factor float64
	}) (out struct {
		Sum  float64 `runnel:"[i,k]"`
		Name string  `runnel:"names[i,k]"`
	}, err error) {
		out.Name = in.Row.Name
		for _, p := range in.Row.Parts {
			for _, v := range p {
				out.Sum += v * in.Factor
			}
		}
		return out, nil
	}, runnel.Name("sizes"), runnel.Cached("1", 0))
	total := runnel.NewTask("total", runnel.Pure(func(in struct {
		Sum    runnel.Partial[float64]
		Factor runnel.Opt[float64]
		Extra  float64    `runnel:",default=0.5"`
		Names  [][]string `runnel:",optional"`
	}) string {
		return fmt.Sprint(in.Sum.Values, len(in.Sum.Errs), in.Factor.Ok, in.Extra, in.Names)
	}), runnel.Cached("1", 0))
	p := pipelineOf(t, rows, sizes, total)
	store := runnel.ResultCache(resultcache.NewMemory(20_000)) // which is too small for all
	rapid.Check(t, func(rt *rapid.T) {
		for range 3 {
			in := runnel.Values{
				"texts":  rapid.SliceOfN(rapid.SampledFrom([]string{"", "a b", "x", "bb", "a b c", "b b"}), 0, 4).Draw(rt, "texts"),
				"factor": float64(rapid.IntRange(1, 2).Draw(rt, "factor")),
			}
			if rapid.Bool().Draw(rt, "extra") {
				in["extra"] = 0.25
			}
			opts := []runnel.RunOption{runnel.OnError(runnel.SkipFailed), store}
			if rapid.Bool().Draw(rt, "targets") {
				opts = append(opts, runnel.Targets("total"))
			}
			plain := mustRun(t, p, in, runnel.OnError(runnel.SkipFailed), runnel.ResultCache(resultcache.NewMemory(0)))
			want, werr := total.Get(plain)
			got, gerr := total.Get(mustRun(t, p, in, opts...))
			if got != want || (werr == nil) != (gerr == nil) {
				rt.Fatalf("with the cache %q, %v, without %q, %v", got, gerr, want, werr)
			}
		}
	})
}

package runnel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/resultcache"
)

// sickStore is a store of which something does not work.
type sickStore struct {
	*resultcache.Memory
	get func(key resultcache.Key, e *resultcache.Entry) (*resultcache.Entry, error)
	put error
}

func (s *sickStore) Get(ctx context.Context, key resultcache.Key) (*resultcache.Entry, error) {
	e, err := s.Memory.Get(ctx, key)
	if err == nil && s.get != nil {
		return s.get(key, e)
	}
	return e, err
}

func (s *sickStore) Put(ctx context.Context, e *resultcache.Entry) error {
	if s.put != nil {
		return s.put
	}
	return s.Memory.Put(ctx, e)
}

// told are the events of a run that tell of the result cache, and the ends of tasks.
func told(t *testing.T, p *runnel.Pipeline, in runnel.Values, opts ...runnel.RunOption) (lines []string, r *runnel.Report) {
	t.Helper()
	run, err := p.Start(t.Context(), in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	for e := range run.Events() {
		switch e := e.(type) {
		case runnel.TaskStarted:
			lines = append(lines, "start")
		case runnel.CacheHit:
			lines = append(lines, fmt.Sprintf("hit %s%v %d", e.Task, e.Index, e.Bytes))
		case runnel.CacheMiss:
			lines = append(lines, fmt.Sprintf("miss %s%v %v", e.Task, e.Index, e.Err))
		case runnel.CacheStored:
			lines = append(lines, fmt.Sprintf("stored %s%v %d %v", e.Task, e.Index, e.Bytes, e.Err))
		case runnel.TaskFinished:
			lines = append(lines, fmt.Sprintf("end %v %d %q", e.State, e.Attempts, e.Reason))
		}
		if e.When().IsZero() {
			t.Errorf("%T has no time", e)
		}
	}
	res, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lines, res.Report()
}

// TestCacheIsInEventsAndReport: hits, misses and bytes, as text and as JSON.
func TestCacheIsInEventsAndReport(t *testing.T) {
	var calls atomic.Int32
	p := pipelineOf(t, lengthTask(&calls, runnel.Cached("1", 0)))
	store, in := runnel.ResultCache(resultcache.NewMemory(0)), runnel.Values{"text": "abc"}
	var logged bytes.Buffer
	log := runnel.Observe(runnel.SlogObserver(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	lines, _ := told(t, p, in, store, log)
	if want := []string{"miss length[] <nil>", "start", "stored length[] 2 <nil>", `end succeeded 1 ""`}; !slices.Equal(lines, want) {
		t.Errorf("got %q\nwant %q", lines, want)
	}
	lines, r := told(t, p, in, store, log)
	if want := []string{"hit length[] 2", `end succeeded 0 "its result was in the result cache"`}; !slices.Equal(lines, want) {
		t.Errorf("got %q\nwant %q", lines, want)
	}
	task, _ := r.Task("length")
	if want := (runnel.CacheReport{Hits: 1, BytesRead: 2}); *r.Cache != want || *task.Cache != want || task.Attempts != 0 || !task.Started.IsZero() {
		t.Errorf("the report has %+v, and of the task %+v", r.Cache, task)
	}
	if text := r.String(); !strings.Contains(text, "result cache: 1 hits, 0 misses; 2 bytes read, 0 stored\n") || !strings.Contains(text, "its result was in the result cache") {
		t.Errorf("the text is\n%s", text)
	}
	b, err := json.Marshal(r)
	if want := `"result_cache":{"hits":1,"misses":0,"bytes_read":2,"bytes_stored":0}`; err != nil || strings.Count(string(b), want) != 2 {
		t.Errorf("the JSON is %s, %v", b, err)
	}
	for _, want := range []string{`"result was not cached"`, `"result is cached" run=`, `"result was cached"`, "task=length bytes=2"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, logged.String())
		}
	}
	_, r = told(t, pipelineOf(t, lengthTask(&calls)), in)
	if b, _ := json.Marshal(r); r.Cache != nil || strings.Contains(string(b), "cache") || strings.Contains(r.String(), "cache") {
		t.Errorf("a run without cached tasks tells of a cache: %s", b)
	}
}

// TestSickStoreIsAWarning: whatever does not work in a store, the run computes, and
// tells why.
func TestSickStoreIsAWarning(t *testing.T) {
	good := runnel.Values{"text": "abc"}
	for want, s := range map[string]*sickStore{
		"the entry is damaged": {get: func(resultcache.Key, *resultcache.Entry) (*resultcache.Entry, error) {
			return nil, fmt.Errorf("file: %w", resultcache.ErrCorrupt)
		}},
		"it ends too early": {get: func(_ resultcache.Key, e *resultcache.Entry) (*resultcache.Entry, error) {
			cut := *e
			cut.Data = e.Data[:1]
			return &cut, nil
		}},
		"1 bytes are left over": {get: func(_ resultcache.Key, e *resultcache.Entry) (*resultcache.Entry, error) {
			more := *e
			more.Data = append(slices.Clone(e.Data), 0)
			return &more, nil
		}},
		"Get panicked: oh": {get: func(resultcache.Key, *resultcache.Entry) (*resultcache.Entry, error) { panic("oh") }},
	} {
		var calls atomic.Int32
		s.Memory = resultcache.NewMemory(0)
		task := lengthTask(&calls, runnel.Cached("1", 0))
		p := pipelineOf(t, task)
		mustRun(t, p, good, runnel.ResultCache(s))
		lines, r := told(t, p, good, runnel.ResultCache(s))
		if !strings.HasPrefix(lines[0], "miss length[] the result cache: ") || !strings.Contains(lines[0], want) || r.Cache.Failures != 1 || r.State != runnel.Succeeded {
			t.Errorf("%s: %q, %v", want, lines, r.Cache)
		}
		calledTimes(t, &calls, 2, want)
		s.get = nil
		mustRun(t, p, good, runnel.ResultCache(s))
		calledTimes(t, &calls, 0, want+", after it was stored again")
	}
	var calls atomic.Int32
	full := &sickStore{Memory: resultcache.NewMemory(0), put: errors.New("disk full")}
	lines, r := told(t, pipelineOf(t, lengthTask(&calls, runnel.Cached("1", 0))), good, runnel.ResultCache(full))
	if want := "stored length[] 0 the result cache: disk full"; !slices.Contains(lines, want) || r.Cache.Failures != 1 || r.Cache.BytesStored != 0 {
		t.Errorf("%q, %v", lines, r.Cache)
	}
}

// TestEveryKindOfTaskCanBeCached, with inputs of every kind.
func TestEveryKindOfTaskCanBeCached(t *testing.T) {
	var calls atomic.Int32
	cached := runnel.Cached("1", 0)
	type both struct{ A, B string }
	multi := runnel.NewMultiTask(func(_ context.Context, in textIn) (out struct{ Low, Up string }, err error) {
		calls.Add(1)
		return struct{ Low, Up string }{strings.ToLower(in.Text), strings.ToUpper(in.Text)}, nil
	}, cached)
	fn := runnel.Func("both", func(a, b string) (both, error) { calls.Add(1); return both{a, b}, nil }, runnel.Inputs("low", "up"), cached)
	letters := runnel.NewExpandTask("letters[k]", func(_ context.Context, in struct{ Both both }) ([]string, error) {
		calls.Add(1)
		return strings.Split(in.Both.A, ""), nil
	}, cached)
	codes := runnel.Each("codes", "letters", func(_ context.Context, s string) (int, error) { calls.Add(1); return int(s[0]), nil }, cached)
	sum := runnel.Fold("sum", "codes", 0, func(_ context.Context, a, b int) (int, error) { calls.Add(1); return a + b, nil }, cached)
	inner := pipelineOf(t, runnel.NewTask("twice", func(_ context.Context, in struct{ Sum int }) (int, error) { calls.Add(1); return 2 * in.Sum, nil }, cached))
	nested := runnel.Nest[struct{ Sum int }, int]("nested", inner, "twice")
	p := pipelineOf(t, multi, fn, letters, codes, sum, nested)

	store := runnel.ResultCache(resultcache.NewMemory(0))
	for i, want := range []int{1 + 1 + 1 + 3 + 4 + 1, 0} {
		res := mustRun(t, p, runnel.Values{"text": "aBca"}, store)
		if v, err := nested.Get(res); err != nil || v != 2*(97+98+99+97) {
			t.Errorf("run %d: %v, %v", i+1, v, err)
		}
		if v, err := runnel.Get[both](res, "both"); err != nil || v != (both{"abca", "ABCA"}) {
			t.Errorf("run %d: %v, %v", i+1, v, err)
		}
		calledTimes(t, &calls, want, fmt.Sprintf("run %d", i+1))
	}

	step := func(n int) int { calls.Add(1); return n + 1 }
	seq, err := runnel.NewSequence().CallNext(step, cached).CallNext(step, cached).Build()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 0} {
		in := runnel.Values{}
		g, _ := seq.Graph()
		for _, name := range g.ExternalInputs() {
			in[name] = 5
		}
		mustRun(t, seq, in, store)
		calledTimes(t, &calls, want, fmt.Sprintf("the sequence, run %d", i+1))
	}
}

// TestAbsentInputsCount: an absent input is another than a zero one, and one with a
// default is what the default says, so that another default is another result.
func TestAbsentInputsCount(t *testing.T) {
	var calls atomic.Int32
	store := runnel.ResultCache(resultcache.NewMemory(0))
	opt := runnel.NewTask("x", func(_ context.Context, in struct{ N runnel.Opt[int] }) (string, error) {
		calls.Add(1)
		return fmt.Sprint(in.N), nil
	}, runnel.Cached("1", 0))
	for i, in := range []runnel.Values{{}, {"n": 0}, {"n": 1}} {
		for range 2 {
			if v, _ := opt.Get(mustRun(t, pipelineOf(t, opt), in, store)); v != []string{"{0 false}", "{0 true}", "{1 true}"}[i] {
				t.Errorf("%v: %q", in, v)
			}
		}
		calledTimes(t, &calls, 1, fmt.Sprint(in))
	}
	half := runnel.NewTask("y", runnel.Pure(func(in struct {
		R float64 `runnel:",default=0.5"`
	}) float64 {
		return in.R
	}), runnel.Cached("1", 0))
	third := runnel.NewTask("y", runnel.Pure(func(in struct {
		R float64 `runnel:",default=0.3"`
	}) float64 {
		return in.R
	}), runnel.Cached("1", 0))
	a, _ := half.Get(mustRun(t, pipelineOf(t, half), nil, store))
	b, _ := third.Get(mustRun(t, pipelineOf(t, third), nil, store))
	if a != 0.5 || b != 0.3 {
		t.Errorf("got %v and %v", a, b)
	}
}

// TestHolesAreNotCached: what a task makes of data with errors in it is made each time.
func TestHolesAreNotCached(t *testing.T) {
	var calls atomic.Int32
	halves := runnel.Each("halves", "numbers", func(_ context.Context, n int) (int, error) {
		if n%2 == 1 {
			return 0, errors.New("odd")
		}
		return n / 2, nil
	})
	sum := runnel.NewTask("sum", func(_ context.Context, in struct{ Halves runnel.Partial[int] }) (string, error) {
		calls.Add(1)
		return fmt.Sprint(in.Halves.Values, in.Halves.Errs), nil
	}, runnel.Cached("1", 0))
	p, store := pipelineOf(t, halves, sum), runnel.ResultCache(resultcache.NewMemory(0))
	for _, c := range []struct {
		numbers []int
		calls   int
	}{{[]int{2, 4}, 1}, {[]int{2, 3}, 2}} {
		for range 2 {
			mustRun(t, p, runnel.Values{"numbers": c.numbers}, store, runnel.OnError(runnel.SkipFailed))
		}
		calledTimes(t, &calls, c.calls, fmt.Sprint(c.numbers))
	}
}

// TestCacheIsAskedBeforeAJobIsSent: in a run with workers a hit costs no job, and what
// workers have made is kept. A run that the broker keeps has what workers recorded.
func TestCacheIsAskedBeforeAJobIsSent(t *testing.T) {
	var mu sync.Mutex
	made := map[string]int{}
	lengths := runnel.NewMapTask("lengths[i]", func(_ context.Context, in struct {
		Text string `runnel:"texts[i]"`
	}) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		made[in.Text]++
		return len(in.Text), nil
	}, runnel.Cached("1", 0))
	sum := runnel.NewTask("sum", runnel.Pure(func(in struct{ Lengths []int }) (n int) {
		for _, l := range in.Lengths {
			n += l
		}
		return n
	}), runnel.Cached("1", 0))
	p := runnel.NewPipeline(runnel.PipelineName("cached")).Add(lengths, sum)
	b := &broker.Memory{}
	defer employ(t, b, p)()
	store := runnel.ResultCache(resultcache.NewMemory(0))
	run := func(texts []string, want int, opts ...runnel.RunOption) *runnel.Report {
		t.Helper()
		clear(made)
		res := mustRun(t, p, runnel.Values{"texts": texts}, append(opts, store, runnel.WithBroker(b))...)
		if v, err := sum.Get(res); err != nil || v != len(strings.Join(texts, "")) {
			t.Errorf("%q: %v, %v", texts, v, err)
		}
		n := 0
		for _, times := range made {
			n += times
		}
		if n != want {
			t.Errorf("%q: workers made %v, want %d", texts, made, want)
		}
		return res.Report()
	}
	run([]string{"a", "bb", "a", "ccc"}, 3)
	if r := run([]string{"a", "bb", "a", "ccc"}, 0); r.Cache.Hits != 5 || r.Totals.Attempts != 1 {
		t.Errorf("%v, %+v", r.Cache, r.Totals)
	}
	run([]string{"a", "bb", "dddd", "ccc"}, 1)
	around := runnel.Intercept(func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error { return next(ctx) })
	run([]string{"a", "e"}, 1, around)
	run([]string{"a", "e"}, 0, around)
	if r := run([]string{"a", "bb"}, 2, runnel.RunID("kept")); r.Cache != nil {
		t.Errorf("a run that is kept has used the result cache: %v", r.Cache)
	}
}

// TestCachedResultsGoIntoTheDataCache of the run, like those that were made.
func TestCachedResultsGoIntoTheDataCache(t *testing.T) {
	var calls atomic.Int32
	task := lengthTask(&calls, runnel.Cached("1", 0))
	p, store := pipelineOf(t, task), runnel.ResultCache(resultcache.NewMemory(0))
	for range 2 {
		data := runnel.NewDataCache()
		mustRun(t, p, runnel.Values{"text": "abc"}, store, runnel.WithCache(data))
		if v, err := data.Get("length"); v != 3 || err != nil {
			t.Errorf("%v, %v", v, err)
		}
	}
	calledTimes(t, &calls, 1, "in all")
}

// TestStoresAreApart: a call that is going on is none for a run with another store.
func TestStoresAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := make(chan int)
		for made := range 2 {
			task := runnel.NewTask("made", func(context.Context, textIn) (int, error) {
				time.Sleep(time.Minute)
				return made, nil
			}, runnel.Cached("1", 0))
			go func() {
				res, err := pipelineOf(t, task).Run(t.Context(), runnel.Values{"text": "a"}, runnel.ResultCache(resultcache.NewMemory(0)))
				if err != nil {
					t.Error(err)
				}
				got, _ := task.Get(res)
				if got != made {
					t.Errorf("the task that makes %d has %d", made, got)
				}
				results <- got
			}()
		}
		<-results
		<-results
	})
}

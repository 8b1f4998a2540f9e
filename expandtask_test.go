package runnel_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel"
)

// TestDataCacheWithExpandTasks: what a cache has of ragged data is taken by elements
// and rows, and what it is given is whole, also in a run that lets go of elements.
func TestDataCacheWithExpandTasks(t *testing.T) {
	var calls atomic.Int32
	pages0 := splitDocs().When(func(onDocs) bool { calls.Add(1); return true })
	rows := runnel.NewMapTask("sizes[i]", runnel.Pure(func(in struct {
		Pages []string `runnel:"pages[i]"`
	}) int {
		return len(in.Pages)
	}))
	p := pipelineOf(t, pages0, shouted(), rows)
	louder := [][]string{{"A B", "C"}, {}, {"D"}, {"E", "F G H", "I"}}
	for what, opts := range map[string][]runnel.RunOption{
		"all":        nil,
		"by targets": {runnel.Targets("loud", "sizes")},
	} {
		t.Run(what, func(t *testing.T) {
			cache := runnel.NewDataCache()
			mustRun(t, p, docs, append(opts, runnel.WithCache(cache))...)
			if got, err := cache.Inject("pages", "loud", "sizes"); err != nil || !reflect.DeepEqual(got, runnel.Values{"pages": pages, "loud": louder, "sizes": []int{2, 0, 1, 3}}) {
				t.Fatalf("the cache has %v, %v", got, err)
			}
			calls.Store(0)
			res := mustRun(t, p, nil, append(opts, runnel.WithCache(cache))...)
			wantGet(t, res, "loud", louder)
			if calls.Load() != 0 {
				t.Errorf("%d calls of a task that the cache has", calls.Load())
			}
			for _, limit := range limits {
				some := runnel.NewDataCache()
				some.Set("pages", [][]string{{"x"}, {}, {"y", "z"}})
				res := mustRun(t, p, nil, append(opts, runnel.WithCache(some), runnel.MaxParallel(limit))...)
				wantGet(t, res, "loud", [][]string{{"X"}, {}, {"Y", "Z"}})
				wantGet(t, res, "sizes", []int{1, 0, 2})
			}
		})
	}
}

// TestDataCacheInARunThatLetsGo: what the cache is given of a mapped task that is no
// target is whole, though its elements have been taken.
func TestDataCacheInARunThatLetsGo(t *testing.T) {
	last := runnel.NewMapTask("last[i]", runnel.Pure(func(in struct {
		N int `runnel:"doubled[i]"`
	}) int {
		return in.N
	}))
	cache := runnel.NewDataCache()
	mustRun(t, pipelineOf(t, doubledEach(), last), runnel.Values{"numbers": []int{1, 2, 3}}, runnel.Targets("last"), runnel.WithCache(cache))
	if got, err := cache.Get("doubled"); err != nil || !reflect.DeepEqual(got, []int{2, 4, 6}) {
		t.Errorf("the cache has %v, %v", got, err)
	}
}

// TestExpandTasksInTheGraph: the graph, its fingerprint and its JSON tell an expand
// task from others.
func TestExpandTasksInTheGraph(t *testing.T) {
	g, err := pipelineOf(t, splitDocs(), shouted()).Graph()
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := g.Data("pages"); !ok || d.Type != reflect.TypeFor[[][]string]() {
		t.Errorf("pages is %v, want the type of the whole", d.Type)
	}
	for _, want := range []string{"pages[i,k]", "docs[i]", "loud[i,k]"} {
		if !strings.Contains(g.String(), want) {
			t.Errorf("the text of the graph lacks %q:\n%s", want, g)
		}
	}
	text, err := json.Marshal(g)
	if want := `{"name":"pages","description":"","level":0,"inputs":["docs"],"outputs":["pages"]`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("the JSON lacks %s: %v\n%s", want, err, text)
	}
	mapped := runnel.NewMapTask("pages[i]", runnel.Pure(func(in onDocs) []string { return nil }))
	other, err := pipelineOf(t, mapped, shouted()).Graph()
	if err != nil {
		t.Fatal(err)
	}
	again, err := pipelineOf(t, shouted(), splitDocs()).Graph()
	if err != nil {
		t.Fatal(err)
	}
	if g.Fingerprint() == other.Fingerprint() || g.Fingerprint() != again.Fingerprint() {
		t.Error("the fingerprint is that of the declaration: not of another kind of task, whatever the order")
	}
}

func TestStrictAndExternalsWithExpandTasks(t *testing.T) {
	if err := runnel.NewPipeline(runnel.Strict(), runnel.External[[]string]("docs")).Add(splitDocs(), shouted()).Build(); err != nil {
		t.Errorf("docs is declared: %v", err)
	}
	for what, c := range map[string]struct {
		opts []runnel.PipelineOption
		want string
	}{
		"undeclared":      {[]runnel.PipelineOption{runnel.Strict()}, `"docs"`},
		"of another type": {[]runnel.PipelineOption{runnel.External[[]int]("docs")}, "[]int"},
		"of no elements":  {[]runnel.PipelineOption{runnel.External[string]("docs")}, "[]string"},
		"made by a task":  {[]runnel.PipelineOption{runnel.External[[][]string]("pages")}, `"pages"`},
	} {
		if err := runnel.NewPipeline(c.opts...).Add(splitDocs(), shouted()).Build(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to name %s", what, err, c.want)
		}
	}
	// What an undeclared pages would be follows from who takes it.
	wantProblems(t, inputProblems(t, pipelineOf(t, shouted()), runnel.Values{"pages": []string{"a"}}), `input "pages" must be [][]string, got []string`)
}

func TestWrongExpandTasks(t *testing.T) {
	type onTwo struct {
		A string `runnel:"docs[i]"`
		B string `runnel:"notes[j]"`
	}
	for what, c := range map[string]struct {
		task runnel.AnyTask
		want string
	}{
		"no axes":              {runnel.NewExpandTask("pages", runnel.Pure(func(onDocs) []string { return nil })), `output "pages" names no axis to fan out along: write "pages[i,k]"`},
		"no axis of its own":   {runnel.NewExpandTask("pages[i]", runnel.Pure(func(onDocs) []string { return nil })), `input "docs[i]" (Doc) has axis i, the last one of output "pages[i]"…give the output one more, or declare it with NewMapTask`},
		"an axis of nobody":    {runnel.NewExpandTask("pages[i,j,k]", runnel.Pure(func(onDocs) []string { return nil })), `output "pages[i,j,k]" has axis j, which no input carries: only the last one`},
		"an axis left out":     {runnel.NewExpandTask("pages[i,k]", runnel.Pure(func(onTwo) []string { return nil })), `input "notes[j]" (B) has axis j, which output "pages[i,k]" lacks`},
		"an axis twice":        {runnel.NewExpandTask("pages[i,i]", runnel.Pure(func(onDocs) []string { return nil })), `axis i stands twice`},
		"no function":          {runnel.NewExpandTask[onDocs, string]("pages[i,k]", nil), `the function is nil: give one`},
		"a limit below 0":      {runnel.NewExpandTask("pages[i,k]", runnel.Pure(func(onDocs) []string { return nil }), runnel.MaxParallel(-1)), `MaxParallel must be 0 or more`},
		"no struct of inputs":  {runnel.NewExpandTask("pages[i,k]", runnel.Pure(func(string) []string { return nil })), `the input must be a struct`},
		"brackets in the name": {runnel.NewExpandTask("pa[i]ges", runnel.Pure(func(onDocs) []string { return nil })), `axes stand in one pair of brackets at the end`},
	} {
		got := buildProblems(t, c.task)
		found := false
		before, after, _ := strings.Cut(c.want, "…")
		for _, p := range got {
			found = found || strings.Contains(p.String(), before) && strings.Contains(p.String(), after)
		}
		if !found {
			t.Errorf("%s: %v, want %q", what, got, c.want)
		}
	}
	// Pages are strings, and there are two axes of them.
	type onWrong struct {
		Page int `runnel:"pages[i,k]"`
	}
	wantProblems(t, buildProblems(t, splitDocs(), runnel.NewMapTask("x[i,k]", runnel.Pure(func(onWrong) int { return 0 }))), `string…int`)
	type onDeep struct {
		Page string `runnel:"pages[i,k,m]"`
	}
	wantProblems(t, buildProblems(t, splitDocs(), runnel.NewMapTask("x[i,k,m]", runnel.Pure(func(onDeep) int { return 0 }))), `"pages[i,k,m]"`)
}

// TestExpandTaskInsideASequence: a sequence calls one as a step, hands its rows on, and
// calls a pipeline that has one.
func TestExpandTaskInsideASequence(t *testing.T) {
	split := func(s string) []string { return parts(s, ";") }
	count := func(rows [][]string) (n int) {
		for _, row := range rows {
			n = 10*n + len(row)
		}
		return n
	}
	in := runnel.Values{"input": "a|b;;c|d|e"}
	wantResult(t, runnel.NewSequence().CallNext(split).CallNext(splitDocs()).CallNext(count), in, 203)
	wantResult(t, runnel.NewSequence().CallNext(split).CallNext(splitDocs()).CallNext(shouted()).CallNext(count), in, 203)
	wantResult(t, runnel.NewSequence().CallNext(split).CallNext(splitDocs()).Map(func(row []string) int { return len(row) }), in, []int{2, 0, 3})
	wantResult(t, runnel.NewSequence().CallNext(split).CallNext(pipelineOf(t, splitDocs(), shouted())).CallNext(count), in, 203)
}

package runnel_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

type onDocs struct {
	Doc string `runnel:"docs[i]"`
}

type onPages struct {
	Page string `runnel:"pages[i,k]"`
}

// splitDocs declares an expand task: a document's pages are its parts between bars,
// none for an empty one.
func splitDocs() *runnel.MapTask[onDocs, string] {
	return runnel.NewExpandTask("pages[i,k]", runnel.Pure(func(in onDocs) []string { return parts(in.Doc, "|") }))
}

func parts(s, sep string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, sep)
}

// shouted is a mapped task over the pages.
func shouted() *runnel.MapTask[onPages, string] {
	return runnel.NewMapTask("loud[i,k]", runnel.Pure(func(in onPages) string { return strings.ToUpper(in.Page) }))
}

var (
	docs  = runnel.Values{"docs": []string{"a b|c", "", "d", "e|f g h|i"}}
	pages = [][]string{{"a b", "c"}, {}, {"d"}, {"e", "f g h", "i"}}
)

func TestExpandedElements(t *testing.T) {
	rows := runnel.NewMapTask("sizes[i]", runnel.Pure(func(in struct {
		Doc   string   `runnel:"docs[i]"`
		Pages []string `runnel:"pages[i]"`
	}) string {
		return fmt.Sprint(len(in.Doc), len(in.Pages))
	}))
	whole := runnel.NewTask("count", runnel.Pure(func(in struct{ Pages, Loud [][]string }) string { return fmt.Sprint(in.Pages, in.Loud) }))
	both := runnel.NewMapTask("both[i,k]", runnel.Pure(func(in struct {
		Doc  string     `runnel:"docs[i]"`
		Page string     `runnel:"pages[i,k]"`
		Loud string     `runnel:"loud[i,k]"`
		Row  []string   `runnel:"loud[i]"`
		All  [][]string `runnel:"loud"`
	}) string {
		return fmt.Sprint(in.Doc, "/", in.Page, "/", in.Loud, "/", len(in.Row), "/", len(in.All))
	}))
	louds := runnel.NewMapTask("louds[i]", runnel.Pure(func(in struct {
		Row []string `runnel:"loud[i]"`
	}) string {
		return strings.Join(in.Row, "+")
	}))
	p := pipelineOf(t, splitDocs(), shouted(), rows, whole, both, louds)
	wantWhole(t, p, docs, "pages", pages)
	wantWhole(t, p, docs, "loud", [][]string{{"A B", "C"}, {}, {"D"}, {"E", "F G H", "I"}})
	wantWhole(t, p, docs, "sizes", []string{"5 2", "0 0", "1 1", "9 3"})
	wantWhole(t, p, docs, "louds", []string{"A B+C", "", "D", "E+F G H+I"})
	wantWhole(t, p, docs, "count", "[[a b c] [] [d] [e f g h i]] [[A B C] [] [D] [E F G H I]]")
	wantWhole(t, p, docs, "both", [][]string{{"a b|c/a b/A B/2/4", "a b|c/c/C/2/4"}, {}, {"d/d/D/1/4"},
		{"e|f g h|i/e/E/3/4", "e|f g h|i/f g h/F G H/3/4", "e|f g h|i/i/I/3/4"}})
	res := mustRun(t, p, docs)
	if got, err := shouted().Get(res); err != nil || !slices.Equal(got, []string{"A B", "C", "D", "E", "F G H", "I"}) {
		t.Errorf("Get is flat: %q, %v", got, err)
	}
	if got, err := splitDocs().Get(res); err != nil || !slices.Equal(got, []string{"a b", "c", "d", "e", "f g h", "i"}) {
		t.Errorf("Get of the expand task is flat: %q, %v", got, err)
	}
}

func TestExpandAgainToAnyDepth(t *testing.T) {
	words := runnel.NewExpandTask("words[i,k,m]", runnel.Pure(func(in onPages) []string { return parts(in.Page, " ") }))
	letters := runnel.NewExpandTask("letters[a,b,c,d]", runnel.Pure(func(in struct {
		Word string `runnel:"words[a,b,c]"`
	}) []byte {
		return []byte(in.Word)
	}))
	named := runnel.NewMapTask("named[i,k,m,n]", runnel.Pure(func(in struct {
		Doc    string     `runnel:"docs[i]"`
		Words  []string   `runnel:"words[i,k]"`
		Rows   [][]string `runnel:"words[i]"`
		Letter byte       `runnel:"letters[i,k,m,n]"`
	}) string {
		return fmt.Sprintf("%d%d%d%c", len(in.Doc), len(in.Words), len(in.Rows), in.Letter)
	}))
	trees := runnel.NewMapTask("trees[i]", runnel.Pure(func(in struct {
		Named [][][]string `runnel:"named[i]"`
	}) string {
		return fmt.Sprint(in.Named)
	}))
	p := pipelineOf(t, splitDocs(), words, letters, named, trees)
	in := runnel.Values{"docs": []string{"ab c|d", "", "e"}}
	wantWhole(t, p, in, "letters", [][][][]byte{{{[]byte("ab"), []byte("c")}, {[]byte("d")}}, {}, {{[]byte("e")}}})
	wantWhole(t, p, in, "named", [][][][]string{{{{"622a", "622b"}, {"622c"}}, {{"612d"}}}, {}, {{{"111e"}}}})
	wantWhole(t, p, in, "trees", []string{"[[[622a 622b] [622c]] [[612d]]]", "[]", "[[[111e]]]"})
}

func TestProductsWithRaggedData(t *testing.T) {
	type in struct {
		Page  string `runnel:"pages[i,k]"`
		Query string `runnel:"q[j]"`
	}
	score := func(output string) runnel.AnyTask {
		return runnel.NewMapTask(output, runnel.Pure(func(in in) string { return in.Page + in.Query }))
	}
	mapped := runnel.NewMapTask("q[j]", runnel.Pure(func(in struct {
		Q string `runnel:"queries[j]"`
	}) string {
		return in.Q
	}))
	taken := runnel.NewMapTask("taken[j,i,k]", runnel.Pure(func(in struct {
		Score string `runnel:"first[j,i,k]"`
	}) string {
		return in.Score
	}))
	lines := runnel.NewExpandTask("lines[j,l]", runnel.Pure(func(in struct {
		Query string `runnel:"q[j]"`
	}) []string {
		return parts(in.Query, "")
	}))
	pairs := runnel.NewMapTask("pairs[i,j,k,l]", runnel.Pure(func(in struct {
		Page string `runnel:"pages[i,k]"`
		Line string `runnel:"lines[j,l]"`
	}) string {
		return in.Page + in.Line
	}))
	p := pipelineOf(t, splitDocs(), mapped, score("last[i,k,j]"), score("middle[i,j,k]"), score("first[j,i,k]"), taken, lines, pairs)
	for _, queries := range [][]string{{"x", "yz"}, {}, {"", "x"}} {
		values := runnel.Values{"docs": []string{"a|b", "", "c"}, "queries": queries}
		rows := [][]string{{"a", "b"}, {}, {"c"}}
		last, middle, first, four := [][][]string{}, [][][]string{}, [][][]string{}, [][][][]string{}
		for _, row := range rows {
			l, m, f := [][]string{}, [][]string{}, [][][]string{}
			for _, page := range row {
				l = append(l, []string{})
				for _, q := range queries {
					l[len(l)-1] = append(l[len(l)-1], page+q)
				}
			}
			for _, q := range queries {
				m = append(m, []string{})
				f = append(f, [][]string{})
				for _, page := range row {
					m[len(m)-1] = append(m[len(m)-1], page+q)
					f[len(f)-1] = append(f[len(f)-1], []string{})
					for _, line := range parts(q, "") {
						at := &f[len(f)-1][len(f[len(f)-1])-1]
						*at = append(*at, page+line)
					}
				}
			}
			last, middle, four = append(last, l), append(middle, m), append(four, f)
		}
		for _, q := range queries {
			first = append(first, [][]string{})
			for _, row := range rows {
				r := []string{}
				for _, page := range row {
					r = append(r, page+q)
				}
				first[len(first)-1] = append(first[len(first)-1], r)
			}
		}
		wantWhole(t, p, values, "last", last)
		wantWhole(t, p, values, "middle", middle)
		wantWhole(t, p, values, "first", first)
		wantWhole(t, p, values, "taken", first)
		wantWhole(t, p, values, "pairs", four)
	}
}

func TestRaggedDataFromAnywhere(t *testing.T) {
	type in struct {
		X int `runnel:"x[i,j]"`
		Y int `runnel:"y[i]"`
	}
	tasks := func() []runnel.AnyTask {
		return []runnel.AnyTask{
			runnel.NewMapTask("sum[i,j]", runnel.Pure(func(in in) int { return in.X + in.Y })),
			runnel.NewMapTask("rows[i]", runnel.Pure(func(in struct {
				Row []int `runnel:"sum[i]"`
			}) []int {
				return in.Row
			})),
			// Rows that a mapped task makes are ragged too, without an expand task.
			runnel.NewMapTask("inside[i,j]", runnel.Pure(func(in struct {
				X int `runnel:"rows[i,j]"`
				S int `runnel:"sum[i,j]"`
			}) bool {
				return in.X == in.S
			})),
		}
	}
	ys := []int{10, 20, 30}
	for what, c := range map[string]struct {
		v    any
		want [][]int
	}{
		"slices":             {[][]int{{1, 2}, {}, {3}}, [][]int{{11, 12}, {}, {33}}},
		"nil rows":           {[][]int{nil, {1, 2}, nil}, [][]int{{}, {21, 22}, {}}},
		"all rows empty":     {[][]int{{}, {}, {}}, [][]int{{}, {}, {}}},
		"rows of one length": {[][]int{{1}, {2}, {3}}, [][]int{{11}, {22}, {33}}},
		"any":                {[]any{[]int{1}, [2]int{2, 3}, []any{}}, [][]int{{11}, {22, 23}, {}}},
		"sequence of slices": {slices.Values([][]int{{1}, {2, 3}, {}}), [][]int{{11}, {22, 23}, {}}},
	} {
		t.Run(what, func(t *testing.T) {
			for _, produced := range []bool{false, true} {
				all, values := tasks(), runnel.Values{"x": c.v, "y": ys}
				if produced {
					all, values = append(all, runnel.NewTask("x", constant(c.v))), runnel.Values{"y": ys}
				}
				p := pipelineOf(t, all...)
				wantWhole(t, p, values, "sum", c.want)
				wantWhole(t, p, values, "rows", c.want)
				same := make([][]bool, len(c.want))
				for i, row := range c.want {
					same[i] = slices.Repeat([]bool{true}, len(row))
				}
				wantWhole(t, p, values, "inside", same)
			}
		})
	}
}

func TestDeepRaggedData(t *testing.T) {
	x := [][][]int{{{1, 2}, {}}, {}, {{3}, {4, 5, 6}, {7}}}
	p := pipelineOf(t,
		runnel.NewMapTask("y[a,b,c]", runnel.Pure(func(in struct {
			X int   `runnel:"x[a,b,c]"`
			R []int `runnel:"x[a,b]"`
		}) int {
			return 10*in.X + len(in.R)
		})),
		runnel.NewMapTask("rows[a,b]", runnel.Pure(func(in struct {
			R []int `runnel:"y[a,b]"`
		}) int {
			return len(in.R)
		})),
		runnel.NewMapTask("planes[a]", runnel.Pure(func(in struct {
			P [][]int `runnel:"y[a]"`
			R []int   `runnel:"rows[a]"`
		}) string {
			return fmt.Sprint(in.P, in.R)
		})))
	wantWhole(t, p, runnel.Values{"x": x}, "y", [][][]int{{{12, 22}, {}}, {}, {{31}, {43, 53, 63}, {71}}})
	wantWhole(t, p, runnel.Values{"x": x}, "rows", [][]int{{2, 0}, {}, {1, 3, 1}})
	wantWhole(t, p, runnel.Values{"x": x}, "planes", []string{"[[12 22] []] [2 0]", "[] []", "[[31] [43 53 63] [71]] [1 3 1]"})
}

func TestExpandWithoutAxesOfItsInputs(t *testing.T) {
	lines := runnel.NewExpandTask("lines[k]", runnel.Pure(func(in struct{ Text string }) []string { return parts(in.Text, "\n") }))
	upper := runnel.NewMapTask("upper[k]", runnel.Pure(func(in struct {
		Line string `runnel:"lines[k]"`
	}) string {
		return strings.ToUpper(in.Line)
	}))
	p := pipelineOf(t, lines, upper)
	wantWhole(t, p, runnel.Values{"text": "a\nb"}, "upper", []string{"A", "B"})
	wantWhole(t, p, runnel.Values{"text": ""}, "upper", []string{})
	wantWhole(t, p, runnel.Values{"text": ""}, "lines", []string{})
	res := mustRun(t, p, runnel.Values{"text": "a\nb"})
	if got, err := lines.Get(res); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Get is %q, %v", got, err)
	}
	only := lines.When(func(in struct{ Text string }) bool { return in.Text != "no" }).
		Fallback(func(context.Context, struct{ Text string }, error) (string, error) { return "none", nil })
	wantWhole(t, pipelineOf(t, only, upper), runnel.Values{"text": "x"}, "upper", []string{"X"})
	res, err := pipelineOf(t, only, upper).Run(t.Context(), runnel.Values{"text": "no"})
	if err != nil {
		t.Fatal(err)
	}
	wantState(t, res.Report(), "lines", runnel.Skipped)
	wantState(t, res.Report(), "upper", runnel.Skipped)
}

func TestNoElementsToExpand(t *testing.T) {
	words := runnel.NewExpandTask("words[i,k,m]", runnel.Pure(func(in onPages) []string { return parts(in.Page, " ") }))
	lens := runnel.NewMapTask("lens[i,k,m]", runnel.Pure(func(in struct {
		W string `runnel:"words[i,k,m]"`
	}) int {
		return len(in.W)
	}))
	rows := runnel.NewMapTask("rows[i]", runnel.Pure(func(in struct {
		L [][]int `runnel:"lens[i]"`
	}) int {
		return len(in.L)
	}))
	end := runnel.NewTask("end", runnel.Pure(func(in struct {
		Lens  [][][]int
		Words [][][]string
	}) bool {
		return in.Lens != nil && in.Words != nil
	}))
	p := pipelineOf(t, splitDocs(), words, lens, rows, end)
	for what, c := range map[string]struct {
		docs []string
		lens [][][]int
		rows []int
	}{
		"no documents":     {nil, [][][]int{}, []int{}},
		"no pages":         {[]string{"", ""}, [][][]int{{}, {}}, []int{0, 0}},
		"no words":         {[]string{"|", ""}, [][][]int{{{}, {}}, {}}, []int{2, 0}},
		"one word of many": {[]string{"||a", "", "|"}, [][][]int{{{}, {}, {1}}, {}, {{}, {}}}, []int{3, 0, 2}},
	} {
		t.Run(what, func(t *testing.T) {
			values := runnel.Values{"docs": c.docs}
			wantWhole(t, p, values, "lens", c.lens)
			wantWhole(t, p, values, "rows", c.rows)
			wantWhole(t, p, values, "end", true)
			for _, task := range mustRun(t, p, values).Report().Tasks {
				if task.State != runnel.Succeeded {
					t.Errorf("%s is %v: %s", task.Name, task.State, task.Reason)
				}
			}
		})
	}
}

func TestUnequalRowsNameBothInputsTheRowAndBothLengths(t *testing.T) {
	other := runnel.NewExpandTask("notes[i,k]", runnel.Pure(func(in struct {
		Doc string `runnel:"more[i]"`
	}) []string {
		return parts(in.Doc, "|")
	}))
	both := mapTo[struct {
		Page string `runnel:"pages[i,k]"`
		Note string `runnel:"notes[i,k]"`
	}, int]("both[i,k]", runnel.Retries(3))
	for what, p := range map[string]*runnel.Pipeline{
		"expanded": pipelineOf(t, splitDocs(), other, both),
		"mapped over expanded": pipelineOf(t, splitDocs(), other.As("raw"), mapTo[struct {
			R string `runnel:"raw[i,k]"`
		}, string]("notes[i,k]"), both),
		"expanded and external": pipelineOf(t, splitDocs(), both),
		"external":              pipelineOf(t, both),
	} {
		t.Run(what, func(t *testing.T) {
			values := runnel.Values{"docs": []string{"a|b", "c", "d|e"}, "more": []string{"1|2", "3|4|5", "6|7"}, "pages": [][]string{{"a", "b"}, {"c"}, {"d", "e"}}, "notes": [][]string{{"", ""}, {"", "", ""}, {"", ""}}}
			for name := range values {
				if g, _ := p.Graph(); !slices.Contains(g.ExternalInputs(), name) {
					delete(values, name)
				}
			}
			for _, limit := range limits {
				res, err := p.Run(t.Context(), values, runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
				for _, part := range []string{"both[1]", "inputs on one axis must have the same length", `in this row on axis k "pages" has 1 elements and "notes" has 3`} {
					if err == nil || !strings.Contains(err.Error(), part) {
						t.Errorf("error %v, want one with %q", err, part)
					}
				}
				got, err := runnel.Get[runnel.Partial[[]int]](res, "both")
				if err != nil || !reflect.DeepEqual(got.Values, [][]int{{0, 0}, nil, {0, 0}}) || len(got.Errs) != 1 || got.Errs[1] == nil {
					t.Errorf("the other rows are there: %v, %v", got, err)
				}
			}
		})
	}
}

func TestRaggedAxesKeepTheirOrder(t *testing.T) {
	turned := mapTo[struct {
		X int `runnel:"x[i,k]"`
	}, int]("turned[k,i]")
	want := `output "turned[k,i]" has the axes of input "x[i,k]" (X) in another order, but its rows may differ in length: write them in the order of the input`
	expand := runnel.NewExpandTask("x[i,k]", func(context.Context, onNumbers) ([]int, error) { return nil, nil })
	wantProblems(t, buildProblems(t, turned, expand), want)
	next := mapTo[struct {
		Y int `runnel:"y[a,b]"`
	}, int]("x[a,b]")
	wantProblems(t, buildProblems(t, turned, expand.As("y"), next), want)
	rows := runnel.NewMapTask("x[i]", func(context.Context, onNumbers) ([]int, error) { return nil, nil })
	wantProblems(t, buildProblems(t, turned, rows), want)

	p := pipelineOf(t, turned)
	wantWhole(t, p, runnel.Values{"x": [][]int{{0, 0}, {0, 0}, {0, 0}}}, "turned", [][]int{{0, 0, 0}, {0, 0, 0}})
	if _, err := p.Run(t.Context(), runnel.Values{"x": [][]int{{1}, {1, 2}}}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

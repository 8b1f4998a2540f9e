package dag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/runnelflow/runnel/dag"
)

func mustNew(t *testing.T, specs ...dag.Spec) *dag.Graph {
	t.Helper()
	g, err := dag.New(specs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestList(t *testing.T) {
	optional := func(name string) dag.Port { return dag.Port{Name: name, Optional: true} }
	for _, c := range []struct {
		name  string
		specs []dag.Spec
		want  string
	}{
		{"nothing in or out", []dag.Spec{{Name: "a"}}, "1 task in 1 level\nlevel 0\n  a:"},
		{"order only", []dag.Spec{{Name: "a", Outputs: ports("x")}, {Name: "b", After: []string{"a", "c", "a"}}, {Name: "c"}},
			"3 tasks in 2 levels\nlevel 0\n  a: → x\n  c:\nlevel 1\n  b: (after a, c)"},
		{"external", []dag.Spec{{Name: "a", Inputs: ports("in"), Outputs: ports("y", "x")}},
			"1 task in 1 level\nlevel 0\n  a: in* → y, x\n* external input"},
		{"optional and produced", []dag.Spec{{Name: "a", Outputs: ports("x")}, {Name: "b", Inputs: []dag.Port{optional("x")}}},
			"2 tasks in 2 levels\nlevel 0\n  a: → x\nlevel 1\n  b: x?\n? optional"},
		{"one name on two inputs, one of them required", []dag.Spec{{Name: "a", Inputs: append(ports("x"), optional("x"))}},
			"1 task in 1 level\nlevel 0\n  a: x*\n* external input"},
		{"names that do not read well", []dag.Spec{{Name: "a b", Inputs: ports(" x", "a\nb"), Outputs: ports("größe", "\xff")}},
			"1 task in 1 level\nlevel 0\n  a b: \" x\"*, \"a\\nb\"* → größe, \"\\xff\"\n* external input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mustNew(t, c.specs...).List(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestStringDrawsWhatFits, and lists the rest.
func TestStringDrawsWhatFits(t *testing.T) {
	small := mustNew(t,
		dag.Spec{Name: "load", Inputs: []dag.Port{{Name: "path"}, {Name: "config", Optional: true}}, Outputs: ports("load")},
		dag.Spec{Name: "tempo", Inputs: ports("load"), Outputs: ports("bpm", "beats")},
		dag.Spec{Name: "clean up", After: []string{"load"}})
	want := `3 tasks in 2 levels
  ╭─────────╮    ╭──────╮
  │ config? │    │ path │
  ╰─────────╯    ╰──────╯
`
	if got := small.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, "│ bpm, beats │") || strings.Count(got, "▽") != 1 {
		t.Errorf("the drawing is\n%s\nwhich should begin with\n%s", got, want)
	}
	var wide []dag.Spec
	for k := range 30 {
		wide = append(wide, dag.Spec{Name: fmt.Sprintf("task %d", k), Inputs: ports("in")})
	}
	var many []dag.Spec
	for k := range 50 {
		many = append(many, dag.Spec{Name: fmt.Sprintf("task %d", k)})
	}
	for name, specs := range map[string][]dag.Spec{"wide": wide, "many": many} {
		if g := mustNew(t, specs...); g.String() != g.List() {
			t.Errorf("%s: the text is no list:\n%s", name, g)
		}
	}
}

func TestData(t *testing.T) {
	number, text, any := reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[any]()
	g := mustNew(t,
		dag.Spec{Name: "a", Inputs: []dag.Port{{Name: "in", Type: any, Optional: true}, {Name: "flag", Optional: true}},
			Outputs: []dag.Port{{Name: "x", Type: number}, {Name: "unused", Type: text}}},
		dag.Spec{Name: "c", Inputs: []dag.Port{{Name: "x", Type: any}, {Name: "in", Type: text}}},
		dag.Spec{Name: "b", Inputs: []dag.Port{{Name: "x", Type: any, Optional: true}, {Name: "in", Type: number, Optional: true}}},
	)
	for _, c := range []struct{ name, want string }{
		{"x", "x int a [b c] external=false optional=false"},
		{"unused", "unused string a [] external=false optional=false"},
		{"in", "in int <nil> [a b c] external=true optional=false"},
		{"flag", "flag <nil> <nil> [a] external=true optional=true"},
	} {
		d, ok := g.Data(c.name)
		if !ok {
			t.Errorf("%s is not known", c.name)
		}
		producer := "<nil>"
		if d.Producer != nil {
			producer = d.Producer.Name
		}
		got := fmt.Sprintf("%s %v %s %v external=%v optional=%v", d.Name, d.Type, producer, d.Consumers, d.External, d.Optional)
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if d, ok := g.Data("y"); ok || d.Name != "" {
		t.Errorf("unknown data: %+v", d)
	}
	if _, ok := g.Node("x"); ok {
		t.Error("data was taken for a task")
	}
	if got := fmt.Sprint(g.DataNames(), g.ExternalInputs(), g.Outputs()); got != "[flag in unused x] [flag in] [unused x]" {
		t.Error(got)
	}
}

func TestEdgesJoinDataAndOrder(t *testing.T) {
	g := mustNew(t,
		dag.Spec{Name: "a", Outputs: ports("y", "x")},
		dag.Spec{Name: "b", Inputs: ports("y", "x"), After: []string{"a"}},
		dag.Spec{Name: "c", Inputs: ports("x")},
		dag.Spec{Name: "d", After: []string{"a"}},
	)
	var got []string
	for _, e := range g.Edges() {
		got = append(got, fmt.Sprintf("%v %v %v %v", e.From, e.To, e.Data, e.After))
	}
	want := []string{"a b [x y] true", "a c [x] false", "a d [] true"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Order alone makes nobody a producer or consumer.
	a, _ := g.Node("a")
	d, _ := g.Node("d")
	if got := fmt.Sprint(a.Consumers(), d.Producers(), g.Descendants("a")); got != "[b c] [] [b c d]" {
		t.Error(got)
	}
}

func TestCriticalPath(t *testing.T) {
	g := mustNew(t,
		dag.Spec{Name: "z", Outputs: ports("z")},
		dag.Spec{Name: "a", Outputs: ports("a")},
		dag.Spec{Name: "join", Inputs: ports("z", "a"), Outputs: ports("j")},
		dag.Spec{Name: "last", Inputs: ports("j")},
		dag.Spec{Name: "end", Inputs: ports("j")},
		dag.Spec{Name: "alone"},
	)
	for _, c := range []struct {
		name string
		cost func(*dag.Node) float64
		want string
	}{
		{"longest chain, ties by name", nil, "[a join end] 3"},
		{"costs decide", costs(map[string]float64{"z": 2, "a": 1, "last": 1}), "[z join last] 3"},
		{"a task outside", costs(map[string]float64{"alone": 5, "z": 1}), "[alone] 5"},
		{"no cost", costs(nil), "[a] 0"},
		{"negative and NaN are nothing", costs(map[string]float64{"a": math.NaN(), "z": -1, "join": 1}), "[a join end] 1"},
		{"infinite", costs(map[string]float64{"z": math.Inf(1)}), "[z join end] +Inf"},
	} {
		path, total := g.CriticalPath(c.cost)
		if got := fmt.Sprint(path, " ", total); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSubgraph(t *testing.T) {
	g := audio()
	for _, c := range []struct {
		targets []string
		want    string
	}{
		{[]string{"tags"}, "[extract tag]"},
		{[]string{"tags", "mir_features", "tags"}, "[extract mir tag]"},
		{[]string{"embedding"}, "[extract mir tag embed]"},
		{[]string{"paths"}, "[]"},
		{nil, "[]"},
	} {
		sub, err := g.Subgraph(c.targets...)
		if err != nil || fmt.Sprint(sub.Nodes()) != c.want {
			t.Errorf("%v: %v, %v; want %s", c.targets, sub, err, c.want)
		}
	}
	_, err := g.Subgraph("nothing_like_it", "Tags", "tags", "Tags")
	var unknown *dag.UnknownDataError
	want := "dag: 2 problems:\n" +
		`  - no task produces or consumes "Tags"; did you mean "tags"?` + "\n" +
		`  - no task produces or consumes "nothing_like_it"; targets are names of data`
	if !errors.As(err, &unknown) || unknown.Data != "Tags" || unknown.Nearest != "tags" || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestJSONShowsEveryMetaValue(t *testing.T) {
	ring := map[string]any{}
	ring["self"] = ring
	type self []self
	list := self{nil}
	list[0] = list
	g := mustNew(t, dag.Spec{Name: "a", Description: "first", Meta: map[string]any{
		"number": 1.5, "list": []int{1, 2}, "none": nil, "text": "<ü>",
		"complex": complex(1, 2), "nan": math.NaN(), "error": errors.New("broken"),
		"nested": map[string]any{"c": complex(0, 1)},
		"ring":   ring, "self": list, "panics": panics{},
	}})
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Nodes []struct {
			Description string
			Meta        map[string]any
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"number": 1.5, "list": []any{1.0, 2.0}, "none": nil, "text": "<ü>",
		"complex": "(1+2i)", "nan": "NaN", "error": map[string]any{},
		"nested": "map[c:(0+1i)]",
		"ring":   "map[string]interface {}", "self": "dag_test.self", "panics": "{}",
	}
	if got.Nodes[0].Description != "first" || !reflect.DeepEqual(got.Nodes[0].Meta, want) {
		t.Errorf("got  %v\nwant %v", got.Nodes[0].Meta, want)
	}
}

// panics is a value whose own encoding is broken.
type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no") }

func TestJSONEdges(t *testing.T) {
	g := mustNew(t,
		dag.Spec{Name: "a", Outputs: ports("x")},
		dag.Spec{Name: "b", Inputs: ports("x", "in"), After: []string{"a"}},
		dag.Spec{Name: "c", After: []string{"a"}},
	)
	text, err := json.Marshal(g)
	want := `{"nodes":[` +
		`{"name":"a","description":"","level":0,"inputs":[],"outputs":["x"],"after":[],"meta":{}},` +
		`{"name":"b","description":"","level":1,"inputs":["x","in"],"outputs":[],"after":["a"],"meta":{}},` +
		`{"name":"c","description":"","level":1,"inputs":[],"outputs":[],"after":["a"],"meta":{}}],` +
		`"edges":[{"from":"a","to":"b","data":["x"],"after":true},{"from":"a","to":"c","data":[],"after":true}],` +
		`"levels":[["a"],["b","c"]],"external_inputs":["in"],"outputs":["x"]}`
	if err != nil || string(text) != want {
		t.Errorf("got  %s\nwant %s\n%v", text, want, err)
	}
}

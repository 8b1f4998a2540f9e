package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
)

// inputOf is what a task gets for an input struct.
func inputOf[In any](t *testing.T, in runnel.Values) In {
	t.Helper()
	task := runnel.NewTask("got", runnel.Pure(func(in In) In { return in }))
	got, err := task.Get(mustRun(t, pipelineOf(t, task), in))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEachExportedFieldIsAnInput(t *testing.T) {
	type input struct {
		UserIDs  []int
		Paths    []string `json:"p" runnel:"files"`
		LeftOut  func()   `runnel:"-"`
		unseen   int
		Any      any
		Error    error
		Optional *int `runnel:",optional"`
	}
	task := runnel.NewTask("t", takes[input])
	if got, want := task.Inputs(), []string{"user_ids", "files", "any", "error", "optional"}; !slices.Equal(got, want) {
		t.Fatalf("inputs %q, want %q", got, want)
	}
	failed := errors.New("x")
	got := inputOf[input](t, runnel.Values{"user_ids": []int{1}, "files": []string{"a"}, "any": 2, "error": failed})
	want := input{UserIDs: []int{1}, Paths: []string{"a"}, Any: 2, Error: failed}
	if !reflect.DeepEqual(got, want) || got.unseen != 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := pipelineOf(t, task).Run(t.Context(), runnel.Values{"left_out": 1, "unseen": 1}); !strings.Contains(fmt.Sprint(err), `"left_out" is unknown`) || !strings.Contains(fmt.Sprint(err), `"unseen" is unknown`) {
		t.Errorf("error %v, want a field left out and one not exported to be no inputs", err)
	}
}

type level int8

type celsius float64

type wait time.Duration

// grade reads its text itself.
type grade struct{ n int }

func (g *grade) UnmarshalText(text []byte) error {
	if len(text) != 1 || text[0] < 'a' || text[0] > 'f' {
		return fmt.Errorf("no grade from a to f")
	}
	g.n = int(text[0]-'a') + 1
	return nil
}

type touchy struct{}

func (*touchy) UnmarshalText([]byte) error { panic("never") }

func TestDefaultsOfEveryKind(t *testing.T) {
	type input struct {
		Int      int           `runnel:",default=-5"`
		Hex      int64         `runnel:",default=0x1F"`
		Small    int8          `runnel:",default=-128"`
		Level    level         `runnel:",default=127"`
		Uint     uint          `runnel:",default=7"`
		Byte     byte          `runnel:",default=255"`
		Float    float64       `runnel:",default=0.5"`
		Float32  float32       `runnel:",default=1e-3"`
		Celsius  celsius       `runnel:",default=-40"`
		Text     string        `runnel:",default=a, b,c"`
		Empty    string        `runnel:",default="`
		Yes      bool          `runnel:",default=true"`
		No       bool          `runnel:",default=0"`
		Wait     time.Duration `runnel:",default=1m30s"`
		Rest     wait          `runnel:",default=1500"`
		Grade    grade         `runnel:",default=c"`
		Addr     netip.Addr    `runnel:",default=::1"`
		Big      big.Int       `runnel:"huge,default=123456789012345678901234567890"`
		Required int
	}
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	want := input{
		Int: -5, Hex: 31, Small: -128, Level: 127, Uint: 7, Byte: 255, Float: 0.5, Float32: 1e-3, Celsius: -40,
		Text: "a, b,c", Yes: true, Wait: 90 * time.Second, Rest: 1500, Grade: grade{3},
		Addr: netip.IPv6Loopback(), Big: *huge, Required: 1,
	}
	if got := inputOf[input](t, runnel.Values{"required": 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("absent inputs are\n%+v, want\n%+v", got, want)
	}
	got := inputOf[input](t, runnel.Values{"required": 1, "int": 9, "yes": false, "text": "", "wait": time.Duration(0), "level": level(1)})
	want.Int, want.Yes, want.Text, want.Wait, want.Level = 9, false, "", 0, 1
	if !reflect.DeepEqual(got, want) {
		t.Errorf("inputs that are there are\n%+v, want\n%+v", got, want)
	}
}

func TestDefaultsThatDoNotParseAreProblems(t *testing.T) {
	type input struct {
		A int             `runnel:",default=half"`
		B int8            `runnel:",default=128"`
		C uint            `runnel:",default=-1"`
		D float64         `runnel:",default=1,5"`
		E float32         `runnel:",default=1e39"`
		F bool            `runnel:",default=yes"`
		G time.Duration   `runnel:",default=10"`
		H grade           `runnel:",default=x"`
		I []int           `runnel:",default=1"`
		J any             `runnel:",default=1"`
		K runnel.Opt[int] `runnel:",default=1"`
		L int             `runnel:",default="`
		M touchy          `runnel:",default=x"`
		N *int            `runnel:",default=1"`
		O level           `runnel:",default=1000"`
	}
	wantProblems(t, buildProblems(t, runnel.NewTask("t", takes[input])),
		`field A: default "half": not a whole number that fits int`,
		`field B: default "128": not a whole number that fits int8`,
		`field C: default "-1": not a whole number of 0 or more that fits uint`,
		`field D: default "1,5": not a number that fits float64`,
		`field E: default "1e39": not a number that fits float32`,
		`field F: default "yes": not a bool: use true or false`,
		`field G: default "10": not a duration such as 1.5s or 20ms`,
		`field H: default "x": no grade from a to f`,
		`field I: default "1": a []int cannot have a default…make it optional`,
		`field J: default "1": a interface {} cannot have a default`,
		`field K: an Opt tells when the value is absent, a default hides it: use plain int, or drop the default`,
		`field L: default "": not a whole number that fits int`,
		`field M: default "x": its UnmarshalText panicked: never`,
		`field N: default "1": a *int cannot have a default`,
		`field O: default "1000": not a whole number that fits runnel_test.level`)
}

func TestOptTellsAbsentFromZero(t *testing.T) {
	type input struct {
		N     runnel.Opt[int]
		Named runnel.Opt[[]string] `runnel:"list,optional"`
	}
	if got := inputOf[input](t, nil); got.N.Ok || got.N.Or(4) != 4 || got.Named.Ok {
		t.Errorf("absent: %+v", got)
	}
	got := inputOf[input](t, runnel.Values{"n": 0, "list": []string(nil)})
	if !got.N.Ok || got.N.Value != 0 || got.N.Or(4) != 0 || !got.Named.Ok {
		t.Errorf("there, and zero: %+v", got)
	}
	// The value is wanted, not the Opt.
	task := runnel.NewTask("t", takes[input])
	_, err := pipelineOf(t, task).Run(t.Context(), runnel.Values{"n": runnel.Opt[int]{}})
	if !strings.Contains(fmt.Sprint(err), `input "n" must be int, got runnel.Opt[int]`) {
		t.Errorf("error %v", err)
	}
}

func TestOptionalIsAnEdgeWhenSomebodyProducesIt(t *testing.T) {
	type input struct {
		Tagged int `runnel:",optional"`
		Opted  runnel.Opt[int]
		Preset int `runnel:",default=3"`
	}
	task := runnel.NewTask("sum", runnel.Pure(func(in input) int { return in.Tagged + 10*in.Opted.Value + 100*in.Preset }))
	for _, c := range []struct {
		with []runnel.AnyTask
		want int
	}{
		{nil, 300},
		{[]runnel.AnyTask{runnel.NewTask("tagged", constant(1))}, 301},
		{[]runnel.AnyTask{runnel.NewTask("opted", constant(2)), runnel.NewTask("preset", constant(4))}, 420},
	} {
		p := pipelineOf(t, append(c.with, task)...)
		if got, err := task.Get(mustRun(t, p, nil)); err != nil || got != c.want {
			t.Errorf("with %d producers: %d, %v, want %d", len(c.with), got, err, c.want)
		}
		g, err := p.Graph()
		if err != nil || len(g.Edges()) != len(c.with) {
			t.Errorf("%d edges, want one for each producer: %v", len(g.Edges()), err)
		}
	}
}

type Base struct {
	Shared int
	Deep
}

type Deep struct {
	Deeper string `runnel:"deepest,default=d"`
}

type hidden struct {
	FromHidden int
	private    int
}

func TestEmbeddedStructsCountAsTheirFields(t *testing.T) {
	type input struct {
		Before int
		Base
		hidden
		After int
	}
	task := runnel.NewTask("t", takes[input])
	if got, want := task.Inputs(), []string{"before", "shared", "deepest", "from_hidden", "after"}; !slices.Equal(got, want) {
		t.Fatalf("inputs %q, want %q", got, want)
	}
	got := inputOf[input](t, runnel.Values{"before": 1, "shared": 2, "from_hidden": 3, "after": 4})
	if want := (input{1, Base{2, Deep{"d"}}, hidden{FromHidden: 3}, 4}); got != want || got.private != 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEmbeddedWithANameIsOneInput(t *testing.T) {
	type input struct {
		Base    `runnel:"base"`
		Deep    `runnel:"-"`
		*hidden `runnel:"-"`
		error
	}
	task := runnel.NewTask("t", takes[input])
	if got := task.Inputs(); !slices.Equal(got, []string{"base"}) {
		t.Fatalf("inputs %q, want base", got)
	}
	if got := inputOf[input](t, runnel.Values{"base": Base{Shared: 5}}); got.Shared != 5 {
		t.Errorf("got %+v", got)
	}
}

type Number int

func TestEmbeddedValueIsAnInputOfItsName(t *testing.T) {
	type input struct {
		Number
		runnel.Opt[string]
	}
	if got := runnel.NewTask("t", takes[input]).Inputs(); !slices.Equal(got, []string{"number", "opt"}) {
		t.Fatalf("inputs %q, want number and opt", got)
	}
	if got := inputOf[input](t, runnel.Values{"number": Number(3), "opt": "x"}); got.Number != 3 || got.Opt.Value != "x" {
		t.Errorf("got %+v", got)
	}
}

type settings struct {
	runnel.Opt[int]
	Extra string
}

func TestStructAroundAnOptIsAPlainInput(t *testing.T) {
	type input struct{ Settings settings }
	want := settings{runnel.Opt[int]{Value: 1, Ok: true}, "e"}
	if got := inputOf[input](t, runnel.Values{"settings": want}); got.Settings != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := pipelineOf(t, runnel.NewTask("t", takes[input])).Run(t.Context(), nil); err == nil {
		t.Error("a struct that embeds an Opt is no Opt: it must not be optional")
	}
}

func TestFieldsThatCannotBeInputsAreProblems(t *testing.T) {
	type input struct {
		*Base
		Optional *runnel.Opt[int]
		unseen   int `runnel:"seen"`
		Deep     `runnel:",optional"`
		hidden   `runnel:"hide"`
		Tag      int `runnel:"x,requird"`
		Axis     int `runnel:"tracks[i]"`
	}
	_ = input{unseen: 1}
	wantProblems(t, buildProblems(t, runnel.NewTask("t", takes[input])),
		"field Base: an embedded pointer cannot be filled: embed runnel_test.Base itself, or name the field",
		"field Deep: an embedded struct counts as its fields…drop this one, or begin it with a name",
		"field Optional: a pointer to an Opt…use runnel.Opt[int] itself",
		"field Tag: unknown tag option \"requird\": use optional, or default=",
		"field hidden has a runnel tag but is not exported: begin it with a capital, or drop the tag",
		"field unseen has a runnel tag but is not exported: begin it with a capital, or drop the tag",
		"input \"tracks[i]\" (Axis) names an axis…declare it with NewMapTask, or drop the brackets")
}

func TestTwoFieldsOfOneNameAreAProblem(t *testing.T) {
	type input struct {
		UserID int
		Other  int `runnel:"user_id"`
		Base
		Shared int
	}
	wantProblems(t, buildProblems(t, runnel.NewTask("t", takes[input])),
		`fields Shared and Shared both name data "shared": give one of them another name with a runnel tag`,
		`fields UserID and Other both name data "user_id": give one of them another name with a runnel tag`)
}

func TestInputTypeIsReadTheSameForEveryTask(t *testing.T) {
	// What is known of a type is shared by its tasks: the mistakes of one
	// declaration must not show in another.
	type input struct{ A, B int }
	wrong := runnel.NewTask("wrong", takes[input]).Bind("c", "x")
	fine := runnel.NewTask("fine", takes[input])
	wantProblems(t, buildProblems(t, fine, wrong), `task "wrong"`)
	mustRun(t, pipelineOf(t, fine), runnel.Values{"a": 1, "b": 2})
}

func TestDefaultIsNewForEachCall(t *testing.T) {
	type input struct {
		N int `runnel:",default=1"`
	}
	grow := func(name string) *runnel.Task[input, int] {
		return runnel.NewTask(name, func(_ context.Context, in input) (int, error) {
			in.N++
			return in.N, nil
		})
	}
	a, b := grow("a"), grow("b")
	res := mustRun(t, pipelineOf(t, a, b), nil, runnel.MaxParallel(1))
	for _, task := range []*runnel.Task[input, int]{a, b} {
		if got, _ := task.Get(res); got != 2 {
			t.Errorf("%s got %d, want 2: a change to one call's input showed in another's", task.Name(), got)
		}
	}
}

func TestGraphShowsDefaults(t *testing.T) {
	g, err := pipelineOf(t, runnel.NewTask("t", takes[struct {
		Alpha float64       `runnel:",default=0.5"`
		Pause time.Duration `runnel:",default=2s"`
		Maybe int           `runnel:",optional"`
		Must  int
	}])).Graph()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := g.Node("t")
	got := map[string]any{}
	for _, p := range n.InputPorts() {
		got[p.Name] = p.Default
	}
	want := map[string]any{"alpha": 0.5, "pause": 2 * time.Second, "maybe": nil, "must": nil}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults %v, want %v", got, want)
	}
}

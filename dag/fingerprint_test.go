package dag_test

import (
	htmltemplate "html/template"
	"reflect"
	"testing"
	texttemplate "text/template"

	"github.com/runnelflow/runnel/dag"
)

type generic[T any] struct{ Value T }

func typed(name string, t reflect.Type) dag.Port { return dag.Port{Name: name, Type: t} }

// The sum of one graph is written down, because runs that were stored by one
// version of a program must be found again by the next.
func TestFingerprintIsStable(t *testing.T) {
	g := mustNew(t,
		dag.Spec{Name: "a", Inputs: []dag.Port{typed("in", reflect.TypeFor[[]string]())}, Outputs: ports("x")},
		dag.Spec{Name: "b", Inputs: []dag.Port{{Name: "x", Type: reflect.TypeFor[*htmltemplate.Template](), Optional: true}}, After: []string{"a"}},
	)
	const want = "5a7d0c12a3166335d85e7799958ad1bdf4ba1ee305745287302c71c13b213540"
	if got := g.Fingerprint(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFingerprintIgnoresWhatIsNotStructure(t *testing.T) {
	one := mustNew(t,
		dag.Spec{Name: "a", Inputs: ports("p", "q"), Outputs: ports("x", "y")},
		dag.Spec{Name: "b", Inputs: ports("x")},
		dag.Spec{Name: "c", After: []string{"a", "b"}},
	)
	other := mustNew(t,
		dag.Spec{Name: "c", After: []string{"b", "a", "b"}, Description: "waits"},
		dag.Spec{Name: "b", Inputs: ports("x"), Meta: map[string]any{"owner": "me"}},
		dag.Spec{Name: "a", Inputs: ports("q", "p"), Outputs: ports("y", "x")},
	)
	if one.Fingerprint() != other.Fingerprint() {
		t.Error("the fingerprint depends on more than the structure")
	}
}

// Each of these graphs differs from the others in one point of structure.
func TestFingerprintTellsStructuresApart(t *testing.T) {
	graphs := map[string]dag.Spec{
		"plain":              {Name: "a"},
		"another name":       {Name: "b"},
		"an input":           {Name: "a", Inputs: []dag.Port{{Name: "x"}}},
		"an output instead":  {Name: "a", Outputs: []dag.Port{{Name: "x"}}},
		"another data name":  {Name: "a", Inputs: []dag.Port{{Name: "y"}}},
		"optional":           {Name: "a", Inputs: []dag.Port{{Name: "x", Optional: true}}},
		"two inputs":         {Name: "a", Inputs: []dag.Port{{Name: "x"}, {Name: "y"}}},
		"names run together": {Name: "a", Inputs: []dag.Port{{Name: "xy"}}},
	}
	for name, typ := range map[string]reflect.Type{
		"string":               reflect.TypeFor[string](),
		"[]string":             reflect.TypeFor[[]string](),
		"[2]string":            reflect.TypeFor[[2]string](),
		"[3]string":            reflect.TypeFor[[3]string](),
		"*string":              reflect.TypeFor[*string](),
		"html template":        reflect.TypeFor[htmltemplate.Template](),
		"text template":        reflect.TypeFor[texttemplate.Template](),
		"html templates":       reflect.TypeFor[map[string]*htmltemplate.Template](),
		"text templates":       reflect.TypeFor[map[string]*texttemplate.Template](),
		"generic, html":        reflect.TypeFor[generic[htmltemplate.Template]](),
		"generic, text":        reflect.TypeFor[generic[texttemplate.Template]](),
		"chan of receive-only": reflect.TypeFor[chan (<-chan int)](),
		"send-only of chan":    reflect.TypeFor[chan<- (chan int)](),
		"func":                 reflect.TypeFor[func(int, string) error](),
		"func, results":        reflect.TypeFor[func(int) (string, error)](),
		"func, slice":          reflect.TypeFor[func([]int)](),
		"func, variadic":       reflect.TypeFor[func(...int)](),
		"any":                  reflect.TypeFor[any](),
		"interface":            reflect.TypeFor[interface{ Close() error }](),
		"struct":               reflect.TypeFor[struct{ A int }](),
		"struct, tagged": reflect.TypeFor[struct {
			A int `json:"a"`
		}](),
		"struct, own field": reflect.TypeFor[struct{ a int }](),
		"struct, two fields": reflect.TypeFor[struct {
			A int
			B string
		}](),
		"struct, embedded":       reflect.TypeFor[struct{ htmltemplate.Template }](),
		"struct, embedded other": reflect.TypeFor[struct{ texttemplate.Template }](),
		"struct, field of name":  reflect.TypeFor[struct{ Template htmltemplate.Template }](),
	} {
		graphs["type "+name] = dag.Spec{Name: "a", Inputs: []dag.Port{typed("x", typ)}}
	}
	seen := map[string]string{}
	for name, spec := range graphs {
		sum := mustNew(t, spec).Fingerprint()
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q have one fingerprint", name, other)
		}
		seen[sum] = name
	}

	ordered := mustNew(t, dag.Spec{Name: "a"}, dag.Spec{Name: "b", After: []string{"a"}})
	free := mustNew(t, dag.Spec{Name: "a"}, dag.Spec{Name: "b"})
	if ordered.Fingerprint() == free.Fingerprint() {
		t.Error("the order of two tasks does not count")
	}
}

package runnel

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAxisPatterns(t *testing.T) {
	for text, want := range map[string]struct {
		name string
		axes []string
	}{
		"":               {"", nil},
		"features":       {"features", nil},
		"features[i]":    {"features", []string{"i"}},
		"[i]":            {"", []string{"i"}},
		"score[i,j]":     {"score", []string{"i", "j"}},
		"score[ i , j ]": {"score", []string{"i", "j"}},
		"a b[größe,k_2]": {"a b", []string{"größe", "k_2"}},
	} {
		name, axes, err := splitAxes(text)
		if err != nil || name != want.name || !slices.Equal(axes, want.axes) {
			t.Errorf("splitAxes(%q) = %q, %q, %v, want %q, %q", text, name, axes, err, want.name, want.axes)
		}
	}
	for text, why := range map[string]string{
		"x[":        "one pair of brackets at the end",
		"x[i":       "one pair of brackets at the end",
		"x[i]y":     "one pair of brackets at the end",
		"x[i][j]":   "one pair of brackets at the end",
		"x[i]]":     "one pair of brackets at the end",
		"x[[i]]":    "one pair of brackets at the end",
		"x[]":       "named by letters and digits",
		"x[ ]":      "named by letters and digits",
		"x[i,]":     "named by letters and digits",
		"x[,i]":     "named by letters and digits",
		"x[i j]":    "named by letters and digits",
		"x[i+1]":    "named by letters and digits",
		"x[*]":      "named by letters and digits",
		"x[i,j,i]":  "axis i stands twice",
		"x[ i ,i ]": "axis i stands twice",
	} {
		if name, axes, err := splitAxes(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("splitAxes(%q) = %q, %q, %v, want an error with %q", text, name, axes, err, why)
		}
	}
}

func FuzzAxisPattern(f *testing.F) {
	for _, s := range []string{"", "x", "x[i]", "x[i,j]", "[ a , b ]", "x[", "x]", "x[]", "x[i]]", "x[i,i]", "x[i][j]", "\xff[\xff]", "x[\u00a0i]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, axes, err := splitAxes(text)
		if err != nil {
			if name != "" || axes != nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
				t.Fatalf("splitAxes(%q) = %q, %q, %v: a refused pattern must be empty and named", text, name, axes, err)
			}
			return
		}
		if (axes == nil) != !strings.Contains(text, "[") || axes != nil && len(axes) == 0 {
			t.Fatalf("splitAxes(%q) = %q, %q: brackets, and nothing else, make axes", text, name, axes)
		}
		for k, axis := range axes {
			if axis == "" || strings.ContainsAny(axis, "[], \t") || slices.Contains(axes[:k], axis) {
				t.Fatalf("splitAxes(%q) gives the axes %q", text, axes)
			}
		}
		again, same, err := splitAxes(withAxes(name, axes))
		if err != nil || again != name || !slices.Equal(same, axes) {
			t.Fatalf("splitAxes(%q) = %q, %q, but %q gives %q, %q, %v", text, name, axes, withAxes(name, axes), again, same, err)
		}
	})
}

func TestElementTypes(t *testing.T) {
	type samples []float64
	for _, c := range []struct {
		whole, want reflect.Type
		axes        int
	}{
		{reflect.TypeFor[int](), reflect.TypeFor[int](), 0},
		{reflect.TypeFor[[]int](), reflect.TypeFor[int](), 1},
		{reflect.TypeFor[samples](), reflect.TypeFor[float64](), 1},
		{reflect.TypeFor[[3]int](), reflect.TypeFor[int](), 1},
		{reflect.TypeFor[[][2]samples](), reflect.TypeFor[float64](), 3},
		{reflect.TypeFor[[][2]samples](), reflect.TypeFor[samples](), 2},
		{reflect.TypeFor[iter.Seq[string]](), reflect.TypeFor[string](), 1},
		{reflect.TypeFor[func(func([]int) bool)](), reflect.TypeFor[int](), 2},
		{reflect.TypeFor[[]iter.Seq[int]](), reflect.TypeFor[iter.Seq[int]](), 1},
		{reflect.TypeFor[[]iter.Seq[int]](), nil, 2},
		{reflect.TypeFor[iter.Seq[iter.Seq[int]]](), nil, 2},
		{reflect.TypeFor[any](), reflect.TypeFor[any](), 4},
		{reflect.TypeFor[[]any](), reflect.TypeFor[any](), 2},
		{reflect.TypeFor[string](), nil, 1},
		{reflect.TypeFor[map[int]int](), nil, 1},
		{reflect.TypeFor[*[3]int](), nil, 1},
		{reflect.TypeFor[iter.Seq2[int, int]](), nil, 1},
		{reflect.TypeFor[chan int](), nil, 1},
		{reflect.TypeFor[[]int](), nil, 2},
		{reflect.TypeFor[func(func(int))](), nil, 1},
		{reflect.TypeFor[func(int) bool](), nil, 1},
		{reflect.TypeFor[error](), nil, 1},
	} {
		got, ok := elementType(c.whole, c.axes)
		if ok != (c.want != nil) || ok && got != c.want {
			t.Errorf("an element of %s along %d axes is %v, %v, want %v", c.whole, c.axes, got, ok, c.want)
		}
	}
}

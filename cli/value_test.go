package cli

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

type celsius float64

type label string

// panics has a decoder that panics.
type panics struct{}

func (*panics) UnmarshalText([]byte) error { panic("no") }

func TestParse(t *testing.T) {
	one := 1
	for _, c := range []struct {
		want  any
		texts []string
	}{
		{"plain", []string{"plain"}},
		{"", []string{""}},
		{"[x]", []string{"[x]"}},
		{"it's", []string{`"it's"`}},
		{`"unclosed`, []string{`"unclosed`}},
		{"last", []string{"first", "last"}},
		{label("x"), []string{"x"}},
		{7, []string{"7"}},
		{010, []string{"8"}},
		{int8(-128), []string{"-128"}},
		{uint16(65535), []string{"65535"}},
		{0.5, []string{"0.5"}},
		{float32(1e-3), []string{"1e-3"}},
		{celsius(-40), []string{"-40"}},
		{true, []string{"true"}},
		{false, []string{"0"}},
		{90 * time.Second, []string{"1m30s"}},
		{[]byte("raw [1]"), []string{"raw [1]"}},
		{[]string{"a", "b,c"}, []string{"a", "b,c"}},
		{[]string{"a", "b", "c"}, []string{`["a","b"]`, "c"}},
		{[]string{"[draft].txt"}, []string{"[draft].txt"}},
		{[]string{}, []string{"[]"}},
		{[]int{1, 2, 3}, []string{"[1, 2]", "3"}},
		{[][]int{{1, 2}, {3}}, []string{"[[1,2],[3]]"}},
		{[][]int{{1, 2}, {3}}, []string{"[1,2]", "[3]"}},
		{[]time.Duration{time.Second, 2 * time.Second}, []string{`["1s"]`, "2s"}},
		{[2]int{1, 2}, []string{"[1,2]"}},
		{Config{Rate: 0.5, Tags: []string{"x"}}, []string{`{"rate":0.5,"tags":["x"]}`}},
		{[]Config{{Rate: 1}, {Rate: 2}}, []string{`{"rate":1}`, `[{"rate":2}]`}},
		{map[string]int{"a": 1}, []string{`{"a":1}`}},
		{&one, []string{"1"}},
		{(*int)(nil), []string{"null"}},
		{&Config{Rate: 1}, []string{`{"rate":1}`}},
		{netip.MustParseAddr("::1"), []string{"::1"}},
		{netip.MustParseAddr("::1"), []string{`"::1"`}},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), []string{"2026-01-02T03:04:05Z"}},
		{*big.NewInt(12), []string{"12"}},
		{json.RawMessage(`{"a":1}`), []string{`{"a":1}`}},
	} {
		got, err := parse(reflect.TypeOf(c.want), c.texts)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%T of %q: got %#v and error %v, want %#v", c.want, c.texts, got, err, c.want)
		}
	}
	anyType := reflect.TypeFor[any]()
	for text, want := range map[string]any{"1": 1.0, "x": "x", `"1"`: "1", "[1]": []any{1.0}, "true": true, "": ""} {
		for _, typ := range []reflect.Type{nil, anyType} {
			if got, err := parse(typ, []string{text}); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("any type of %q: got %#v and error %v, want %#v", text, got, err, want)
			}
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		typ  reflect.Type
		text string
		says string
	}{
		{reflect.TypeFor[int8](), "128", `"128" is not a whole number that fits int8`},
		{reflect.TypeFor[uint](), "-1", "0 or more that fits uint"},
		{reflect.TypeFor[float64](), "x", `"x" is not a number that fits float64`},
		{reflect.TypeFor[bool](), "yes", `"yes" is neither true nor false`},
		{reflect.TypeFor[time.Duration](), "3", "not a duration like 1.5s"},
		{reflect.TypeFor[[]time.Duration](), "[3]", "element 0: \"3\" is not a duration"},
		{reflect.TypeFor[Config](), `{"rat":1}`, `unknown field "rat"`},
		{reflect.TypeFor[Config](), `{} {}`, "more behind the first value"},
		{reflect.TypeFor[Config](), `x`, "not JSON for a cli.Config"},
		{reflect.TypeFor[[]Config](), `[{},{"rat":1}]`, `element 1: `},
		{reflect.TypeFor[[]int](), "[1,", "not a whole number"},
		{reflect.TypeFor[[2]int](), "1", "not JSON for a [2]int"},
		{reflect.TypeFor[chan int](), "1", "type chan int cannot be given"},
		{reflect.TypeFor[func()](), "1", "type func() cannot be given"},
		{reflect.TypeFor[error](), "1", "type error cannot be given"},
		{reflect.TypeFor[netip.Addr](), "here", "not a netip.Addr"},
		{reflect.TypeFor[panics](), "x", "panicked: no"},
	} {
		if got, err := parse(c.typ, []string{c.text}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s of %q: got %#v and error %v, want it to say %q", c.typ, c.text, got, err, c.says)
		}
	}
	long := strings.Repeat("x", 1000)
	if _, err := parse(reflect.TypeFor[int](), []string{long}); len(err.Error()) > 150 {
		t.Errorf("the error repeats the whole text: %v", err)
	}
}

// Whatever is not there, the example has a text for it that parses.
func TestSamplesParse(t *testing.T) {
	fields := reflect.VisibleFields(reflect.TypeFor[kinds]())
	types := []reflect.Type{reflect.TypeFor[*[]int](), reflect.TypeFor[[][]string](), reflect.TypeFor[map[string][]Config](), reflect.TypeFor[*Config](), reflect.TypeFor[big.Int](), reflect.TypeFor[struct{ D time.Duration }]()}
	for _, f := range fields {
		types = append(types, f.Type)
	}
	for _, typ := range types {
		if unfit(typ) != "" {
			continue
		}
		if _, err := parse(typ, []string{sample(typ)}); err != nil {
			t.Errorf("the sample of a %s: %v", typ, err)
		}
	}
}

func TestFilesAndStandardInput(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	config := write("config.json", "{\"rate\": 2,\n \"tags\": [\"x\"]}\n")
	words := write("words.json", "[\"a\", \"bc\"]\n")
	args := []string{"run", "train", "--progress=off", "--json", "--target=tokens,score", "--config", config}
	for _, c := range []struct {
		stdin string
		more  []string
		want  string
	}{
		{"", []string{"--paths", words}, `["a", "bc"]`},
		{`["x"]`, []string{"--paths", "-"}, `["x"]`},
		{`["x"]`, []string{"--input", "paths=-"}, `["x"]`},
		{"", []string{"--paths", "@@home"}, `["@home"]`},
		{"", []string{"--paths", "a", "--input", "paths=b"}, `["a", "b"]`},
	} {
		got := called(t, c.stdin, pipelines(), append(args[:len(args):len(args)], c.more...)...)
		var result struct {
			Outputs struct{ Tokens json.RawMessage }
		}
		err := json.Unmarshal([]byte(got.out), &result)
		if flat := strings.Join(strings.Fields(string(result.Outputs.Tokens)), " "); err != nil || strings.NewReplacer("[ ", "[", " ]", "]").Replace(flat) != c.want {
			t.Errorf("%q: tokens %s, error %v, want %s\n%v", c.more, flat, err, c.want, got)
		}
	}
	missing := called(t, "", pipelines(), "run", "train", "--paths", "@"+filepath.Join(dir, "missing"), "--config={}")
	if missing.code != ExitUsage || !strings.Contains(missing.errors, "no such file") || !strings.Contains(missing.errors, "written @@") {
		t.Error(missing)
	}
}

// Underscores and hyphens are the same in a flag, and every value arrives.
func TestEveryTypeArrives(t *testing.T) {
	got := called(t, "", pipelines(), "run", "every-type", "--progress=off",
		"--text", "t", "--count=-1", "--size", "2", "--ratio", "0.5", "--on", "--pause", "1s", "--raw", "r", "--names", "n", "--ratios", "1", "--pauses", "2s",
		"--rows", "[1]", "--config", "{}", "--configs", "{}", "--by_name", `{"a":1}`, "--pair", "[1,2]", "--maybe", "null", "--when", "2026-01-02T03:04:05Z", "--addr", "::1", "--any", "[true]",
		"--input", "target=to", "--input", "odd name=o", "--input", "a=b=c=d", "--later", "3")
	want := "all: {Text:t Count:-1 Size:2 Ratio:0.5 On:true Pause:1s Raw:[114] Names:[n] Ratios:[1] Pauses:[2s] Rows:[[1]] Config:{Rate:0 Tags:[]} Configs:[{Rate:0 Tags:[]}] ByName:map[a:1] Pair:[1 2] Maybe:<nil> When:2026-01-02 03:04:05 +0000 UTC Addr:::1 Any:[true] Target:to Odd:o Equals:c=d Reader:<nil> Later:{Value:3 Ok:true} Labels:map[]}\n"
	if got.code != ExitOK || got.out != want {
		t.Errorf("%v\nwant\n%s", got, want)
	}
}

// FuzzInput parses what a user may write behind --input. It never panics, what it
// accepts has the type, and a value written as JSON is that value again.
func FuzzInput(f *testing.F) {
	for _, s := range []string{"text=x", "count=1", "rows=[[1],[2]]", "odd name=", "a=b=c", `config={"rate":1}`, "pauses=[\"1s\"]", "any={", "=", "when=2026-01-02T03:04:05Z", `names=["a"`, "raw=\xff", "target==", "ratio=NaN"} {
		f.Add(s)
	}
	flow := newFlow(pipelines()[2], 0)
	if flow.err != nil {
		f.Fatal(flow.err)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		g := &given{flow: flow}
		in, text, problem := g.split(arg)
		if (in == nil) != (problem != "") {
			t.Fatalf("%q: input %v, problem %q", arg, in, problem)
		}
		if in == nil {
			return
		}
		if in.name+"="+text != arg {
			t.Fatalf("%q was split into %q and %q", arg, in.name, text)
		}
		v, err := parse(in.typ, []string{text})
		if err != nil {
			return
		}
		if got := reflect.TypeOf(v); got != in.typ && in.typ.Kind() != reflect.Interface {
			t.Fatalf("%q became a %s, want %s", arg, got, in.typ)
		}
		if in.typ == bytesType || in.typ.Kind() == reflect.Interface || in.typ == durationType || in.name == "pauses" {
			return // which JSON writes in another way
		}
		if !utf8.ValidString(text) {
			return // which JSON cannot hold
		}
		written, err := json.Marshal(v)
		if err != nil {
			return // not a number
		}
		again, err := parse(in.typ, []string{string(written)})
		if rewritten, _ := json.Marshal(again); err != nil || string(rewritten) != string(written) {
			t.Fatalf("%q became %s, and that %s, %v", arg, written, rewritten, err)
		}
	})
}

// FuzzQuote quotes words as a shell reads them.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "it's", `{"a":"b c"}`, "$HOME", "a\nb", "ü=1", "~", "!x", "#", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if got := unquote(t, quote(word)); got != word {
			t.Fatalf("%q is quoted %s, which is %q", word, quote(word), got)
		}
	})
}

// unquote reads a word as POSIX 2.2 says: nothing means anything between single
// quotes, and a backslash outside takes the next character as it is.
func unquote(t *testing.T, quoted string) string {
	t.Helper()
	var b strings.Builder
	inside := false
	for i := 0; i < len(quoted); i++ {
		switch c := quoted[i]; {
		case c == '\'':
			inside = !inside
		case inside:
			b.WriteByte(c)
		case c == '\\':
			i++
			b.WriteByte(quoted[i])
		case strings.IndexByte("|&;<>()$`\" \t\n*?[#~!{}^", c) >= 0:
			t.Fatalf("%q is not quoted in %s", c, quoted)
		default:
			b.WriteByte(c)
		}
	}
	if inside {
		t.Fatalf("the quotes of %s are not closed", quoted)
	}
	return b.String()
}

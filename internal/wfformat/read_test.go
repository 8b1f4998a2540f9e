package wfformat

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// twoTasks is a whole document of two tasks; the tests of defects change one
// piece of it.
const twoTasks = `{
	"name": "two",
	"schemaVersion": "1.5",
	"workflow": {
		"specification": {
			"tasks": [
				{"id": "a", "name": "make", "parents": [], "children": ["b"], "inputFiles": ["in"], "outputFiles": ["mid"]},
				{"id": "b", "name": "use", "parents": ["a"], "children": [], "inputFiles": ["mid"], "outputFiles": ["out", "log"]}
			],
			"files": [{"id": "in", "sizeInBytes": 1}]
		},
		"execution": {
			"tasks": [
				{"id": "b", "runtimeInSeconds": 0.000000001},
				{"id": "a", "runtimeInSeconds": 1.25}
			]
		}
	}
}`

func TestReadTakesEveryField(t *testing.T) {
	w, err := Read(strings.NewReader(twoTasks))
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "two" || len(w.Tasks) != 2 {
		t.Fatalf("got workflow %q with %d tasks, want \"two\" with 2", w.Name, len(w.Tasks))
	}
	a, b := w.Tasks[0], w.Tasks[1]
	if a.ID != "a" || a.Name != "make" || len(a.Parents) != 0 || a.Runtime != 1250*time.Millisecond {
		t.Errorf("first task: got %+v", a)
	}
	if b.ID != "b" || !slices.Equal(b.Parents, []string{"a"}) || !slices.Equal(b.Inputs, []string{"mid"}) ||
		!slices.Equal(b.Outputs, []string{"out", "log"}) || b.Runtime != time.Nanosecond {
		t.Errorf("second task: got %+v", b)
	}
}

func TestReadRefusesDefects(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // replaced once in twoTasks
		want     []string
	}{
		{"empty input", twoTasks, "", []string{"ends early", "0 bytes"}},
		{"cut off", `"execution": {`, "", []string{"JSON"}},
		{"not JSON", twoTasks, "<adag/>", []string{"expected JSON", "byte 1"}},
		{"an array", twoTasks, "[]", []string{"the document", "expected an object", "array"}},
		{"two documents", twoTasks, twoTasks + "{}", []string{"one JSON document"}},
		{"older schema", `"1.5"`, `"1.4"`, []string{"schemaVersion", `"1.5"`, `"1.4"`}},
		{"no schema", `"schemaVersion": "1.5",`, ``, []string{"schemaVersion", `""`}},
		{"no tasks", `"tasks": [
				{"id": "a"`, `"tusks": [{"id": "a"`, []string{"workflow.specification.tasks", "at least one"}},
		{"no execution", `"execution"`, `"elsewhere"`, []string{"workflow.execution", "absent"}},
		{"empty id", `{"id": "a", "name"`, `{"id": "", "name"`, []string{"workflow.execution.tasks", `"a"`}},
		{"id twice", `{"id": "b", "name"`, `{"id": "a", "name"`, []string{`"b"`, "no task"}},
		{"task not executed", `{"id": "b", "runtimeInSeconds": 0.000000001},`, ``, []string{`task "b"`, "no entry"}},
		{"executed twice", `{"id": "b", "runtime`, `{"id": "a", "runtime`, []string{`"a"`, "twice"}},
		{"no runtime", `"a", "runtimeInSeconds": 1.25`, `"a"`, []string{`task "a"`, "runtimeInSeconds", "missing"}},
		{"negative runtime", `1.25`, `-1.25`, []string{`task "a"`, "0 or more", "-1.25"}},
		{"runtime too long", `1.25`, `9223372037`, []string{`task "a"`, "less than", "9.223372037e+09"}},
		{"runtimes too long together", `0.000000001`, `9223372036`, []string{`task "b"`, "292 years"}},
		{"runtime beyond float64", `1.25`, `1e999`, []string{"runtimeInSeconds", "float64"}},
		{"runtime no number", `1.25`, `"fast"`, []string{"workflow.execution.tasks.runtimeInSeconds", "number", "string"}},
		{"parents no array", `"parents": ["a"]`, `"parents": "a"`, []string{"parents", "array", "string"}},
		{"unknown parent", `"parents": ["a"]`, `"parents": ["z"]`, []string{`task "b"`, `parent "z"`}},
		{"parent twice", `"parents": ["a"]`, `"parents": ["a", "a"]`, []string{`task "b"`, `parent "a"`, "twice"}},
		{"unknown child", `"children": ["b"]`, `"children": ["z"]`, []string{`task "a"`, `child "z"`}},
		{"child without parent", `"children": []`, `"children": ["a"]`, []string{`task "b"`, `child "a"`}},
		{"cycle", `"parents": []`, `"parents": ["b"]`, []string{"cycle", "a -> b -> a"}},
		{"own parent", `"parents": []`, `"parents": ["a"]`, []string{"cycle", "a -> a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(twoTasks, c.old) {
				t.Fatalf("the document does not hold %q, so the case changes nothing", c.old)
			}
			w, err := Read(strings.NewReader(strings.Replace(twoTasks, c.old, c.new, 1)))
			if err == nil {
				t.Fatal("got no error")
			}
			if w != nil {
				t.Errorf("got a workflow beside the error: %+v", w)
			}
			for _, want := range append(c.want, "wfformat: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestReadHoldsItsLimits(t *testing.T) {
	size := int64(len(twoTasks))
	if _, err := parse(strings.NewReader(twoTasks), size, 2); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	if _, err := parse(strings.NewReader(twoTasks), size-1, 2); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("one byte over: got %v", err)
	}
	if _, err := parse(strings.NewReader(twoTasks), size, 1); err == nil || !strings.Contains(err.Error(), "at most 1 tasks, got 2") {
		t.Errorf("one task over: got %v", err)
	}
}

func TestReadPassesReadErrorsOn(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := io.MultiReader(strings.NewReader(twoTasks[:20]), failing{broken})
	if _, err := Read(r); !errors.Is(err, broken) {
		t.Errorf("got %v, want it to wrap %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, twoTasks); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, path := range []string{
		write("plain.json", []byte(twoTasks)),
		write("zipped.json.gz", zipped.Bytes()),
	} {
		w, err := Load(path)
		if err != nil {
			t.Error(err)
		} else if len(w.Tasks) != 2 {
			t.Errorf("%s: got %d tasks, want 2", path, len(w.Tasks))
		}
	}
	for path, want := range map[string]string{
		write("cut.json.gz", zipped.Bytes()[:zipped.Len()/2]): "unexpected EOF",
		write("named.json.gz", []byte(twoTasks)):              "gzip",
		write("bad.json", []byte("{")):                        "ends early",
		filepath.Join(dir, "absent.json"):                     "no such file",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names the path and says %q", path, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(twoTasks))
	f.Add([]byte(`{"schemaVersion":"1.5","workflow":{"specification":{"tasks":[{"id":"a","parents":["a"]}]},"execution":{"tasks":[{"id":"a","runtimeInSeconds":1e9}]}}}`))
	f.Add([]byte(`{"schemaVersion":"1.5","workflow":{"specification":{"tasks":[null]},"execution":{"tasks":[null]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := Read(bytes.NewReader(data))
		if err != nil {
			if w != nil || !strings.HasPrefix(err.Error(), "wfformat: ") {
				t.Fatalf("got workflow %v and error %v", w, err)
			}
			return
		}
		if err := w.Validate(); err != nil {
			t.Fatalf("Read accepted what Validate refuses: %v", err)
		}
		if cp, work := w.CriticalPath(), w.Work(); cp < 0 || cp > work {
			t.Fatalf("critical path %v, work %v", cp, work)
		}
	})
}

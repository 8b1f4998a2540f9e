package runnel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// sketch is a task as the fuzzer draws it: few names, so that graphs are dense
// and wrong in many ways.
type sketch struct {
	name            string
	inputs, outputs []string
	after           []string
	again           bool // the task is added twice
}

// sketches reads tasks from bytes; every sequence of bytes is some.
func sketches(data []byte) []sketch {
	next := func() byte {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return b
	}
	names := func(kind string, n byte) []string {
		var list []string
		for range n {
			if name := fmt.Sprint(kind, next()%12); !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
		return list
	}
	var all []sketch
	for len(data) > 0 && len(all) < 40 {
		shape := next()
		s := sketch{
			name:   fmt.Sprint("t", next()%16),
			inputs: names("d", shape%4), outputs: names("d", shape/4%3),
			again: shape/64%4 == 3,
		}
		if shape/16%4 == 3 {
			s.after = names("t", 1)
		}
		all = append(all, s)
	}
	return all
}

// faults is what is wrong with sketches, found in the plainest way.
type faults struct {
	empty, twice, names, producers, after, cyclic bool
	missing                                       []string
}

func (f faults) any() bool {
	return f.empty || f.twice || f.names || f.producers || f.after || f.cyclic
}

func naive(all []sketch) faults {
	f := faults{empty: len(all) == 0}
	needs := make([]map[int]bool, len(all))
	for i, s := range all {
		f.twice = f.twice || s.again
		needs[i] = map[int]bool{}
		for j, other := range all {
			if i != j && s.name == other.name {
				f.names = true
			}
			for _, data := range other.outputs {
				if i != j && slices.Contains(s.outputs, data) {
					f.producers = true
				}
				if slices.Contains(s.inputs, data) {
					needs[i][j] = true
				}
			}
			if slices.Contains(s.after, other.name) {
				needs[i][j] = true
			}
		}
		for _, name := range s.after {
			if name == s.name || !slices.ContainsFunc(all, func(o sketch) bool { return o.name == name }) {
				f.after = true
				delete(needs[i], i)
			}
		}
		for _, data := range s.inputs {
			if slices.Contains(s.outputs, data) {
				needs[i][i] = true
			}
			if !slices.ContainsFunc(all, func(o sketch) bool { return slices.Contains(o.outputs, data) }) && !slices.Contains(f.missing, data) {
				f.missing = append(f.missing, data)
			}
		}
	}
	// Take away what needs nothing until nothing more can be taken.
	left := len(all)
	for done := make([]bool, len(all)); ; {
		before := left
		for i := range all {
			if done[i] {
				continue
			}
			free := true
			for j := range needs[i] {
				free = free && done[j]
			}
			if free {
				done[i] = true
				left--
			}
		}
		if left == before {
			f.cyclic = left > 0
			slices.Sort(f.missing)
			return f
		}
	}
}

func (s sketch) task() *runnel.ValuesTask {
	// Inputs come by way of Bind, so that copies are built as well.
	own := make([]string, len(s.inputs))
	for i := range own {
		own[i] = fmt.Sprint("own", i)
	}
	task := runnel.NewValuesTask(s.name, own, s.outputs, returns(values(s.outputs)), runnel.After(s.after...))
	for i, name := range s.inputs {
		task = task.Bind(own[i], name)
	}
	return task
}

func values(names []string) runnel.Values {
	v := runnel.Values{}
	for _, name := range names {
		v[name] = name
	}
	return v
}

func FuzzBuild(f *testing.F) {
	for _, seed := range []string{
		"",
		"\x00\x01",                         // one task
		"\x04\x01\x02\x05\x02\x02\x03",     // a → b
		"\x05\x01\x02\x03\x05\x02\x03\x02", // a ring of two
		"\x05\x01\x02\x02",                 // a loop of one
		"\x04\x01\x02\x04\x02\x02",         // two producers
		"\x04\x01\x02\x04\x01\x03",         // two of one name
		"\xc4\x01\x02",                     // one task twice
		"\x34\x01\x02\x02\x30\x02\x01",     // after
		"\x30\x01\x01\x30\x02\x0f",         // after itself, and after nobody
		strings.Repeat("\x0f\x03\x01\x02\x04\x05", 12),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all := sketches(data)
		want := naive(all)
		var tasks []runnel.AnyTask
		for _, s := range all {
			task := s.task()
			tasks = append(tasks, task)
			if s.again {
				tasks = append(tasks, task)
			}
		}
		p, err := runnel.FromTasks(tasks...)
		if (err != nil) != want.any() {
			t.Fatalf("%+v\nbuild gave %v, want problems: %+v", all, err, want)
		}
		if err != nil {
			compareFaults(t, all, err, want)
			slices.Reverse(tasks)
			if _, again := runnel.FromTasks(tasks...); fmt.Sprint(again) != err.Error() {
				t.Fatalf("in reverse:\n%v\ninstead of\n%v", again, err)
			}
			return
		}
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		if got := g.ExternalInputs(); !slices.Equal(got, want.missing) {
			t.Fatalf("external inputs %q, want %q", got, want.missing)
		}
		if len(want.missing) > 0 {
			_, err := p.Run(t.Context(), nil)
			e, ok := errors.AsType[*runnel.InputError](err)
			if !ok || len(e.Problems) != len(want.missing) {
				t.Fatalf("run without inputs gave %v, want %q to be missing", err, want.missing)
			}
		}
		res, err := p.Run(t.Context(), values(want.missing))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range res.Outputs() {
			if v != name {
				t.Fatalf("data %q is %v", name, v)
			}
		}
	})
}

// compareFaults holds the kinds of problems against those of the naive model.
// With two producers or two namesakes, what they are linked to is not defined,
// so neither are the cycles.
func compareFaults(t *testing.T, all []sketch, err error, want faults) {
	t.Helper()
	e := asBuildError(t, err)
	has := func(part string) bool {
		return slices.ContainsFunc(e.Problems, func(p runnel.Problem) bool { return strings.Contains(p.Text, part) })
	}
	unclear := want.producers || want.names
	for _, c := range []struct {
		part  string
		want  bool
		check bool
	}{
		{"it has no tasks", want.empty, true},
		{"added twice", want.twice, true},
		{"produces too", want.producers, true},
		{"has the same name", want.names, !want.producers}, // else the same line may stand for both
		{"After(", want.after, !want.names},
		{"circular flow", want.cyclic, !unclear},
	} {
		if c.check && has(c.part) != c.want {
			t.Fatalf("%+v\nproblems\n%s, want %q: %t", all, problemLines(e.Problems), c.part, c.want)
		}
	}
}

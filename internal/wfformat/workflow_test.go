package wfformat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// diamond is a -> b, c -> d, where c is the slow side and b passes d no file.
func diamond() *Workflow {
	return &Workflow{Tasks: []Task{
		{ID: "d", Parents: []string{"b", "c"}, Inputs: []string{"c.out"}, Runtime: 4 * time.Second},
		{ID: "a", Outputs: []string{"a.out"}, Runtime: time.Second},
		{ID: "b", Parents: []string{"a"}, Inputs: []string{"a.out"}, Runtime: 2 * time.Second},
		{ID: "c", Parents: []string{"a"}, Inputs: []string{"a.out"}, Outputs: []string{"c.out"}, Runtime: 8 * time.Second},
	}}
}

func TestDiamond(t *testing.T) {
	w := diamond()
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	if got, want := w.CriticalPath(), 13*time.Second; got != want {
		t.Errorf("critical path: got %v, want %v", got, want)
	}
	if got, want := w.Work(), 15*time.Second; got != want {
		t.Errorf("work: got %v, want %v", got, want)
	}
	if got := w.OrderOnly(); len(got) != 1 || !slices.Equal(got["d"], []string{"b"}) {
		t.Errorf("order-only parents: got %v, want d: [b]", got)
	}
	w.Tasks[2].Outputs = []string{"c.out"}
	if got := w.Producers()["c.out"]; !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("producers of c.out: got %v, want [b c]", got)
	}
}

func TestValidateNamesTheCycle(t *testing.T) {
	// tail and head hang off the cycle b -> c -> d -> b, and are not on it.
	w := &Workflow{Tasks: []Task{
		{ID: "tail", Parents: []string{"c"}},
		{ID: "head"},
		{ID: "b", Parents: []string{"head", "d"}},
		{ID: "c", Parents: []string{"b"}},
		{ID: "d", Parents: []string{"c"}},
	}}
	err := w.Validate()
	if err == nil || !strings.HasSuffix(err.Error(), "cycle: c -> d -> b -> c") {
		t.Errorf("got %v, want the cycle c -> d -> b -> c", err)
	}
}

func TestValidateNamesTheTask(t *testing.T) {
	for want, tasks := range map[string][]Task{
		`task number 2 (name "n")`:      {{ID: "a"}, {Name: "n"}},
		`task "a": the id stands twice`: {{ID: "a"}, {ID: "a"}},
		`task "a": expected a runtime`:  {{ID: "a", Runtime: -1}},
		`task "b": parent "c"`:          {{ID: "a"}, {ID: "b", Parents: []string{"c"}}},
	} {
		if err := (&Workflow{Tasks: tasks}).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// longest finds the critical path in another way, by walking every path down
// from each task with memory, so that the two check each other.
func longest(w *Workflow) time.Duration {
	byID := make(map[string]Task, len(w.Tasks))
	for _, t := range w.Tasks {
		byID[t.ID] = t
	}
	ends := make(map[string]time.Duration, len(w.Tasks))
	var end func(id string) time.Duration
	end = func(id string) time.Duration {
		if at, known := ends[id]; known {
			return at
		}
		var start time.Duration
		for _, p := range byID[id].Parents {
			start = max(start, end(p))
		}
		ends[id] = start + byID[id].Runtime
		return ends[id]
	}
	var most time.Duration
	for id := range byID {
		most = max(most, end(id))
	}
	return most
}

func TestRandomWorkflowsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, n := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 120).Draw(t, "n")
		w := Random(seed, n)
		if err := w.Validate(); err != nil {
			t.Fatal(err)
		}
		if len(w.Tasks) != n {
			t.Fatalf("got %d tasks, want %d", len(w.Tasks), n)
		}
		if again := Random(seed, n); fmt.Sprint(again) != fmt.Sprint(w) {
			t.Fatal("the same seed gave another workflow")
		}
		// Numbers must not depend on the order of the tasks.
		cp := w.CriticalPath()
		shuffled := &Workflow{Tasks: rapid.Permutation(w.Tasks).Draw(t, "order")}
		if other := longest(w); cp != other || shuffled.CriticalPath() != cp {
			t.Fatalf("critical path: got %v, shuffled %v, by search %v", cp, shuffled.CriticalPath(), other)
		}
		for file, ids := range w.Producers() {
			if len(ids) != 1 {
				t.Fatalf("file %q has the producers %v, want one", file, ids)
			}
		}
		checkEdges(t, w)
	})
}

// checkEdges sees to it that files and order-only parents together are exactly
// the parents: what an inferred graph relies on.
func checkEdges(t interface {
	Helper()
	Errorf(string, ...any)
}, w *Workflow) {
	t.Helper()
	producers, only := w.Producers(), w.OrderOnly()
	for _, task := range w.Tasks {
		edges := make(map[string]bool)
		for _, f := range task.Inputs {
			for _, id := range producers[f] {
				edges[id] = true
			}
		}
		for _, p := range only[task.ID] {
			if edges[p] {
				t.Errorf("task %q: parent %q passes a file, and is called order-only", task.ID, p)
			}
			edges[p] = true
		}
		parents := make(map[string]bool)
		for _, p := range task.Parents {
			parents[p] = true
		}
		for id := range edges {
			if !parents[id] {
				t.Errorf("task %q reads a file of %q, which is no parent", task.ID, id)
			}
		}
		if len(edges) != len(parents) {
			t.Errorf("task %q has %d parents, and %d tasks it needs", task.ID, len(parents), len(edges))
		}
	}
}

func TestRandomHasEveryKindOfTask(t *testing.T) {
	w := Random(1, 400)
	only, readers := w.OrderOnly(), make(map[string]int)
	var instant, twoFiles, shared int
	for _, task := range w.Tasks {
		if task.Runtime == 0 {
			instant++
		}
		if len(task.Outputs) == 2 {
			twoFiles++
		}
		for _, f := range task.Inputs {
			if readers[f]++; readers[f] == 2 {
				shared++
			}
		}
	}
	if len(only) == 0 || instant == 0 || twoFiles == 0 || shared == 0 {
		t.Errorf("got %d tasks with order-only parents, %d instant, %d with two files, %d files read twice; want some of each",
			len(only), instant, twoFiles, shared)
	}
}

func TestChainAndForkJoin(t *testing.T) {
	chain := Chain(50)
	if err := chain.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(chain.Tasks) != 50 || chain.CriticalPath() != chain.Work() {
		t.Errorf("chain: %d tasks, critical path %v, work %v; want 50 and all the work on the path",
			len(chain.Tasks), chain.CriticalPath(), chain.Work())
	}
	fork := ForkJoin(50)
	if err := fork.Validate(); err != nil {
		t.Fatal(err)
	}
	var slowest time.Duration
	for _, branch := range fork.Tasks[1:51] {
		slowest = max(slowest, branch.Runtime)
	}
	want := fork.Tasks[0].Runtime + slowest + fork.Tasks[51].Runtime
	if len(fork.Tasks) != 52 || fork.CriticalPath() != want {
		t.Errorf("fork and join: %d tasks, critical path %v; want 52, %v", len(fork.Tasks), fork.CriticalPath(), want)
	}
	checkEdges(t, chain)
	checkEdges(t, fork)
	for _, none := range []*Workflow{Chain(0), Chain(-1), Random(1, -1)} {
		if len(none.Tasks) != 0 || none.Work() != 0 || none.CriticalPath() != 0 {
			t.Errorf("%s: got %d tasks, want none", none.Name, len(none.Tasks))
		}
	}
}

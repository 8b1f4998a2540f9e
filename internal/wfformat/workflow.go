// Package wfformat reads recorded workflows in WfFormat, the JSON schema of
// the WfCommons project (https://wfcommons.org/format), and makes small ones
// of the same kind. Tests run such a workflow in virtual time and compare the
// makespan with [Workflow.CriticalPath] and [Workflow.Work], which are
// computed here from the recorded parents, without the library's own engine.
package wfformat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Workflow is a recorded workflow: its tasks in the order of the file.
type Workflow struct {
	Name  string
	Tasks []Task
}

// A Task is one recorded task.
type Task struct {
	ID      string        // unique in the workflow
	Name    string        // what kind of task it is; many tasks may share it
	Parents []string      // IDs of the tasks that must end before this one starts
	Inputs  []string      // names of the files it reads
	Outputs []string      // names of the files it writes
	Runtime time.Duration // how long the recorded execution took; 0 or more
}

// Validate reports the first defect that would make the numbers computed from
// the workflow meaningless: an empty or repeated ID, a negative runtime, a
// total of runtimes that no time.Duration holds, a parent that is no task or
// is listed twice, and a cycle, with its path.
//
// Files are not looked at: two producers of one file are a matter for whoever
// infers the graph from the files. See [Workflow.Producers].
func (w *Workflow) Validate() error {
	index := make(map[string]int, len(w.Tasks))
	var work time.Duration
	for i, t := range w.Tasks {
		if t.ID == "" {
			return fmt.Errorf("task number %d (name %q): expected a non-empty id", i+1, t.Name)
		}
		if j, twice := index[t.ID]; twice {
			return fmt.Errorf("task %q: the id stands twice, at tasks number %d and %d; expected one task an id", t.ID, j+1, i+1)
		}
		index[t.ID] = i
		if t.Runtime < 0 {
			return fmt.Errorf("task %q: expected a runtime of 0 or more, got %v", t.ID, t.Runtime)
		}
		if work += t.Runtime; work < 0 {
			return fmt.Errorf("task %q: the runtimes up to here add up to more than a time.Duration holds (292 years)", t.ID)
		}
	}
	for _, t := range w.Tasks {
		seen := make(map[string]bool, len(t.Parents))
		for _, p := range t.Parents {
			if _, ok := index[p]; !ok {
				return fmt.Errorf("task %q: parent %q is not the id of a task", t.ID, p)
			}
			if seen[p] {
				return fmt.Errorf("task %q: parent %q is listed twice", t.ID, p)
			}
			seen[p] = true
		}
	}
	if len(w.order(index)) < len(w.Tasks) {
		return fmt.Errorf("the parents form a cycle: %s", strings.Join(w.cycle(index), " -> "))
	}
	return nil
}

// Producers gives, for every file that some task writes, the IDs of the tasks
// that list it as an output, in task order. More than one ID means that the
// graph cannot be inferred from the files alone.
func (w *Workflow) Producers() map[string][]string {
	by := make(map[string][]string)
	for _, t := range w.Tasks {
		for _, f := range t.Outputs {
			by[f] = append(by[f], t.ID)
		}
	}
	return by
}

// OrderOnly gives, by task ID, the parents whose end the task awaits although
// it reads no file of theirs. Tasks without such parents have no entry. A
// graph inferred from the files lacks exactly these edges, as long as every
// file has one producer.
func (w *Workflow) OrderOnly() map[string][]string {
	producers := w.Producers()
	only := make(map[string][]string)
	for _, t := range w.Tasks {
		from := make(map[string]bool)
		for _, f := range t.Inputs {
			for _, id := range producers[f] {
				from[id] = true
			}
		}
		for _, p := range t.Parents {
			if !from[p] {
				only[t.ID] = append(only[t.ID], p)
			}
		}
	}
	return only
}

// Work is the sum of all runtimes: the makespan on one worker.
func (w *Workflow) Work() time.Duration {
	var sum time.Duration
	for _, t := range w.Tasks {
		sum += t.Runtime
	}
	return sum
}

// CriticalPath is the largest sum of runtimes along any path of parents: the
// makespan with as many workers as one likes. The workflow must be one that
// [Workflow.Validate] accepts; tasks on a cycle, and tasks that need them, do
// not count.
func (w *Workflow) CriticalPath() time.Duration {
	index := w.index()
	end := make([]time.Duration, len(w.Tasks))
	var longest time.Duration
	for _, i := range w.order(index) {
		var start time.Duration
		for _, p := range w.Tasks[i].Parents {
			if j, ok := index[p]; ok {
				start = max(start, end[j])
			}
		}
		end[i] = start + w.Tasks[i].Runtime
		longest = max(longest, end[i])
	}
	return longest
}

func (w *Workflow) index() map[string]int {
	index := make(map[string]int, len(w.Tasks))
	for i, t := range w.Tasks {
		index[t.ID] = i
	}
	return index
}

// order returns the task numbers so that parents come first (Kahn, 1962);
// tasks on or behind a cycle are missing from it.
func (w *Workflow) order(index map[string]int) []int {
	children := make([][]int, len(w.Tasks))
	waiting := make([]int, len(w.Tasks))
	order := make([]int, 0, len(w.Tasks))
	for i, t := range w.Tasks {
		for _, p := range t.Parents {
			if j, ok := index[p]; ok {
				children[j] = append(children[j], i)
				waiting[i]++
			}
		}
		if waiting[i] == 0 {
			order = append(order, i)
		}
	}
	for next := 0; next < len(order); next++ {
		for _, c := range children[order[next]] {
			if waiting[c]--; waiting[c] == 0 {
				order = append(order, c)
			}
		}
	}
	return order
}

// cycle returns the IDs along one cycle, the first again at the end, each the
// parent of the next. There must be one: a task that order leaves out always
// has a parent that it leaves out too, so walking up comes round.
func (w *Workflow) cycle(index map[string]int) []string {
	done := make([]bool, len(w.Tasks))
	for _, i := range w.order(index) {
		done[i] = true
	}
	at := slices.Index(done, false)
	position := make(map[int]int)
	var path []string
	for {
		if from, again := position[at]; again {
			path = append(path[from:], path[from])
			slices.Reverse(path)
			return path
		}
		position[at] = len(path)
		path = append(path, w.Tasks[at].ID)
		for _, p := range w.Tasks[at].Parents {
			if j := index[p]; !done[j] {
				at = j
				break
			}
		}
	}
}

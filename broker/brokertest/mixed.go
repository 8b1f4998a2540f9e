package brokertest

import (
	"fmt"
	"slices"

	"github.com/runnelflow/runnel/broker"
)

// mixedBatch are plain jobs of several tasks. Each takes something under a name of its
// own, and data that some of them share.
func mixedBatch(run string, tasks ...int) broker.Batch {
	var all broker.Batch
	for _, n := range tasks {
		j := job(run, n)
		j.Inputs = []broker.Input{
			{Name: "all", Whole: true, Value: broker.Go{V: []int{7, 8, 9}}},
			{Name: fmt.Sprintf("n%d", n), Whole: true, Value: broker.Go{V: n}},
		}
		all = append(all, j)
	}
	return all
}

// named are the tasks of the jobs of a delivery.
func named(d *broker.Delivery) []string {
	var all []string
	for _, j := range d.Jobs {
		all = append(all, j.Task)
	}
	return all
}

// wantTasks ends the case if a delivery is of other tasks.
func (h *harness) wantTasks(d *broker.Delivery, want ...string) {
	h.Helper()
	if got := named(d); !slices.Equal(got, want) {
		h.fail("the delivery has tasks %v, want %v", got, want)
	}
}

// made are results of some jobs of a delivery, each with the name of its task.
func made(d *broker.Delivery, w *broker.Worker, at ...int) []*broker.Result {
	var all []*broker.Result
	for _, k := range at {
		all = append(all, doneOf(d, d.Jobs[k], w, d.Jobs[k].Task))
	}
	return all
}

// can is a worker of the given tasks that is known.
func (h *harness) can(id string, tasks ...int) *broker.Worker {
	h.Helper()
	w := worker(id)
	all := w.Tasks
	w.Tasks = nil
	for _, n := range tasks {
		w.Tasks = append(w.Tasks, all[n])
	}
	_, err := h.b.Extend(h.ctx, w, nil)
	h.must(err, "Extend")
	return w
}

var mixed = []rule{{
	name: "mixed batch arrives whole",
	rule: "the jobs of a batch may be of different tasks, and each arrives with everything that was submitted",
	why:  "many short tasks of one function in one message cost little more than one; what they are called, and what they take, is the affair of each",
	check: func(h *harness) {
		w := h.join("w")
		w.Tasks = append(w.Tasks, &broker.Task{Pipeline: "p", Name: "task4", Fingerprint: "g"}, &broker.Task{Pipeline: "p", Name: "none", Fingerprint: "f"})
		_, err := h.b.Extend(h.ctx, w, nil)
		h.must(err, "Extend")
		sent := mixedBatch("r", 1, 2, 3, 4, 5)
		sent[1].Attempt, sent[2].Round = 2, 3
		sent[2].Cause = &broker.Failure{Text: "why", Permanent: true}
		sent[2].Inputs[1].Value = nil
		sent[3].Fingerprint = "g"
		sent[3].Inputs[0].Holes = map[int]*broker.Failure{1: {Text: "lost"}} // it takes the same data as something else
		sent[4].Task, sent[4].Inputs, sent[4].Key = "none", nil, "r/none"
		h.submitBatch(sent)
		d := h.receive(w)
		h.wantTasks(d, "task1", "task2", "task3", "task4", "none")
		for k, j := range d.Jobs {
			fingerprint, key := "f", "r/"+j.Task
			if k == 3 {
				fingerprint = "g"
			}
			if j.Run != "r" || j.Pipeline != "p" || j.Queue != "default" || j.Element != broker.Whole || j.Index != nil || j.Fingerprint != fingerprint || j.Key != key {
				h.fail("job %d arrived as %+v", k, j)
			}
			if k == 4 {
				if len(j.Inputs) != 0 {
					h.fail("the job without inputs has %+v", j.Inputs)
				}
				continue
			}
			if len(j.Inputs) != 2 || j.Inputs[0].Name != "all" || j.Inputs[1].Name != fmt.Sprintf("n%d", k+1) || !j.Inputs[0].Whole || !j.Inputs[1].Whole {
				h.fail("job %d has inputs %+v", k, j.Inputs)
			}
			if all := decode[[]int](h, j.Inputs[0].Value); !slices.Equal(all, []int{7, 8, 9}) {
				h.fail("job %d has %v as the data that all share", k, all)
			}
			if holes := j.Inputs[0].Holes; (holes[1] != nil) != (k == 3) {
				h.fail("job %d has holes %v", k, holes)
			}
			if k != 2 && decode[int](h, j.Inputs[1].Value) != k+1 {
				h.fail("job %d has the input of another", k)
			}
		}
		if j := d.Jobs[2]; d.Jobs[1].Attempt != 2 || j.Round != 3 || j.Attempt != 1 || j.Inputs[1].Value != nil || j.Cause == nil || j.Cause.Text != "why" || d.Jobs[0].Cause != nil {
			h.fail("what differs between the jobs arrived as %+v, %+v", d.Jobs[1], j)
		}
	},
}, {
	name: "results of a mixed batch",
	rule: "each job of a mixed batch has a result under its own task, in several calls or in one, also for who follows the run later",
	why:  "a result that counted for another task would be a wrong value in the run",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submitBatch(mixedBatch("r", 1, 2, 3, 4))
		d := h.receive(w)
		failed := broker.ResultOf(d.Jobs[0])
		failed.Worker, failed.Failure = w.ID, &broker.Failure{Text: "failed"}
		for _, part := range [][]*broker.Result{made(d, w, 1), append(made(d, w, 3), failed), made(d, w, 2)} {
			if !h.finish(d, part...) || h.finish(d, part...) {
				h.fail("the results of %s and those after it were not recorded once", part[0].Task)
			}
		}
		for name, results := range map[string]<-chan *broker.Result{"who followed": got, "who follows later": h.follow("r")} {
			for _, task := range []string{"task2", "task4", "task1", "task3"} {
				r := h.next(results)
				if r.Task != task || r.Run != "r" || r.Element != broker.Whole || r.Worker != "w" {
					h.fail("%s got %+v, want the result of %s", name, r, task)
				}
				if (r.Failure != nil) != (task == "task1") || r.Failure == nil && decode[string](h, r.Outputs[0]) != task {
					h.fail("%s got outputs %v and failure %+v for %s", name, r.Outputs, r.Failure, task)
				}
			}
		}
		h.submitBatch(mixedBatch("r", 1, 2, 3, 4))
		h.nothing(w, lease/5)
	},
}, {
	name: "mixed batch for one who has some of it",
	rule: "a worker gets a batch of which it has a task, be it not the first; what it hands back is submitted alone and done by one who has it",
	why:  "there need be no worker that has every task of a batch: it would wait for ever",
	check: func(h *harness) {
		two := h.can("two", 2)
		got := h.follow("r")
		h.submitBatch(mixedBatch("r", 1, 2, 3))
		d := h.receive(two)
		h.wantTasks(d, "task1", "task2", "task3")
		results := append(made(d, two, 1), broker.HandBackOf(d.Jobs[0], broker.Orphaned), broker.HandBackOf(d.Jobs[2], broker.Orphaned))
		if !h.finish(d, results...) {
			h.fail("results were dropped")
		}
		for _, want := range []string{"task2", "task1", "task3"} {
			if r := h.next(got); r.Task != want || r.IsHandBack() == (want == "task2") {
				h.fail("got %+v with failure %+v, want %s", r, r.Failure, want)
			}
		}
		again := mixedBatch("r", 1, 3)
		again[0].Round, again[1].Round = 1, 1
		h.submit(again...)
		other := h.can("other", 1, 3)
		for range again {
			d := h.receive(other)
			if len(d.Jobs) != 1 || d.Jobs[0].Round != 1 || d.Jobs[0].Task == "task2" {
				h.fail("the delivery has tasks %v, in round %d", named(d), d.Jobs[0].Round)
			}
			h.finish(d, made(d, other, 0)...)
			if r := h.next(got); r.Task != d.Jobs[0].Task || r.Round != 1 || r.Failure != nil {
				h.fail("got %+v, want the result of %s", r, d.Jobs[0].Task)
			}
		}
	},
}, {
	name:     "orphans of a mixed batch",
	rule:     "what is left of a mixed batch whose worker dies is handed back under the task of each job",
	why:      "each is submitted again alone: under the name of another it would be lost",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		a, b := h.join("a"), h.join("b")
		got := h.follow("r")
		h.submitBatch(mixedBatch("r", 1, 2, 3))
		d := h.receive(a)
		h.finish(d, made(d, a, 1)...)
		h.next(got)
		h.nothing(b, 2*lease) // somebody has to ask
		for _, want := range []string{"task1", "task3"} {
			if r := h.next(got); r.Task != want || r.Failure == nil || r.Failure.Kind != broker.Orphaned {
				h.fail("got %+v, %+v, want that %s was orphaned", r, r.Failure, want)
			}
		}
	},
}, {
	name: "mixed batch of an ended run",
	rule: "End returns every job of a mixed batch that has no result, each can be finished or stopped, and what is not done can be submitted again in another batch",
	why:  "the run waits for what its workers do, and goes on from there when it is taken up",
	check: func(h *harness) {
		w := h.join("w")
		got := h.follow("r")
		h.submitBatch(mixedBatch("r", 1, 2, 3))
		d := h.receive(w)
		h.finish(d, made(d, w, 0)...)
		held := h.end("r", broker.End{Keep: true})
		want := []string{d.Jobs[1].ID(), d.Jobs[2].ID()}
		if slices.Sort(held); len(held) > 0 && !slices.Equal(held, want) {
			h.fail("End returned %v, want %v", held, want)
		}
		stopped := broker.ResultOf(d.Jobs[2])
		stopped.Failure = &broker.Failure{Text: "stopped", Kind: broker.Stopped}
		h.finish(d, append(made(d, w, 1), stopped)...)
		for _, want := range []string{"task1", "task2", "task3"} {
			if r := h.next(got); r.Task != want || (r.Failure != nil) != (want == "task3") {
				h.fail("got %+v with failure %+v, want %s", r, r.Failure, want)
			}
		}
		h.submitBatch(mixedBatch("r", 3, 1, 4))
		h.wantTasks(h.receive(w), "task3", "task4")
	},
}}

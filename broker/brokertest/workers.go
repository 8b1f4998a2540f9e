package brokertest

import (
	"context"
	"slices"
	"sync"

	"github.com/runnelflow/runnel/broker"
)

// watch hands over the workers that are alive each time they change.
func (h *harness) watch() <-chan []*broker.Worker {
	got := make(chan []*broker.Worker, 1000)
	ctx, cancel := context.WithCancel(h.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.b.Workers(ctx, func(now []*broker.Worker) { got <- now })
	}()
	h.Cleanup(func() { cancel(); <-ended })
	return got
}

// see waits until exactly the given workers are alive.
func (h *harness) see(workers <-chan []*broker.Worker, want ...string) []*broker.Worker {
	h.Helper()
	var ids []string
	for {
		select {
		case now := <-workers:
			ids = nil
			for _, w := range now {
				ids = append(ids, w.ID)
			}
			slices.Sort(ids)
			if slices.Equal(ids, want) {
				return now
			}
		case <-h.ctx.Done():
			h.fail("the workers that are alive are %v, want %v", ids, want)
		}
	}
}

var workers = []rule{{
	name:     "workers are known",
	rule:     "Workers tells at once who is alive, and again when one comes, leaves or dies",
	why:      "a run that needs a task which no worker has must say so, and go on when one comes",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		seen := h.watch()
		if first := <-seen; len(first) != 0 {
			h.fail("%d workers are alive, want none", len(first))
		}
		a, b := worker("a", "default", "gpu"), worker("b")
		stopA, stopB := h.keep(a), h.keep(b)
		defer stopA()
		now := h.see(seen, "a", "b")
		if now[0].ID != "a" {
			now[0], now[1] = now[1], now[0]
		}
		got := now[0]
		if got.Host != "host" || !slices.Equal(got.Queues, []string{"default", "gpu"}) || len(got.Tasks) != 100 {
			h.fail("worker a arrived as %+v", got)
		}
		task := got.Tasks[7]
		if task.Pipeline != "p" || task.Name != "task7" || task.Fingerprint != "f" || !slices.Equal(task.Types, []broker.Field{{Path: "input n", Type: "int"}}) {
			h.fail("its task arrived as %+v", task)
		}
		stopB() // it dies
		h.see(seen, "a")
		late := h.watch()
		h.see(late, "a")
		stopA()
		leaving := *a
		leaving.Tasks = nil
		_, err := h.b.Extend(h.ctx, &leaving, nil)
		h.must(err, "Extend")
		h.see(seen)
	},
}, {
	name:     "overdue attempts are told",
	rule:     "Workers tells again when a worker says of other attempts that they are overdue, also while it asks for jobs",
	why:      "a run names the tasks that ignore their timeouts, wherever they are done",
	settings: Settings{Lease: lease},
	check: func(h *harness) {
		seen := h.watch()
		w := worker("a")
		_, err := h.b.Extend(h.ctx, w, nil)
		h.must(err, "Extend")
		h.see(seen, "a")
		asking, stop := context.WithCancel(h.ctx)
		var asked sync.WaitGroup
		defer func() { stop(); asked.Wait() }()
		for _, want := range [][]broker.Overdue{
			{{Run: "r", Task: "task7", Element: broker.Whole, Attempt: 1}},
			{{Run: "r", Task: "task7", Element: broker.Whole, Attempt: 1}, {Run: "s", Task: "task8", Element: 3, Attempt: 2}},
			nil,
		} {
			late := *w
			late.Overdue = want
			_, err := h.b.Extend(h.ctx, &late, nil)
			h.must(err, "Extend")
			asked.Go(func() { h.b.Receive(asking, w, 1) }) // with what it said before
			for !slices.Equal(h.see(seen, "a")[0].Overdue, want) {
			}
		}
	},
}}

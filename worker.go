package runnel

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/broker"
)

// A Worker does tasks of runs that go on elsewhere: those of runs with the same
// broker, by [WithBroker]. It is safe for concurrent use.
type Worker struct {
	broker broker.Broker
	config *workerConfig
	self   *broker.Worker
	tasks  map[taskKey]*workTask
	err    error
}

// taskKey tells the tasks of a worker apart. A task that was given without a
// pipeline serves those of any.
type taskKey struct{ pipeline, name string }

// NewWorker makes a worker of tasks, pipelines and options:
//
//	runnel.NewWorker(b, Extract, Stats, runnel.Concurrency(8)).Run(ctx)
//	runnel.NewWorker(b, pipeline).Run(ctx)
//
// Mistakes are reported by [Worker.Build] and [Worker.Run]. A pipeline is taken as
// it is now: its defaults and the tasks of nested pipelines are in it, and its
// interceptors are not, since they are called where the run is.
func NewWorker(b broker.Broker, options ...WorkerOption) *Worker {
	w := &Worker{broker: b, config: newWorkerConfig(), tasks: map[taskKey]*workTask{}}
	c := w.config
	for i, o := range options {
		if v := reflect.ValueOf(o); o == nil || v.Kind() == reflect.Pointer && v.IsNil() {
			c.problem("option %d of %d is nil: drop it", i+1, len(options))
			continue
		}
		o.applyWorker(c)
	}
	if b == nil {
		c.problem("the broker is nil: give the one that runs are given by WithBroker")
	}
	for _, p := range c.pipelines {
		g, err := p.build()
		if err != nil {
			c.problem("%v", err)
			continue
		}
		for _, d := range g.tasks {
			w.add(g.config.name, d)
		}
	}
	w.addAlone(c.tasks)
	if len(w.tasks) == 0 && len(c.problems) == 0 {
		c.problem("it has no tasks: give it tasks or pipelines")
	}
	w.check()
	if len(c.problems) > 0 {
		w.err = &BuildError{Problems: c.problems, what: "the worker"}
	}
	w.introduce()
	return w
}

// addAlone takes tasks that were given without a pipeline.
func (w *Worker) addAlone(tasks []AnyTask) {
	if len(tasks) == 0 {
		return
	}
	b := &builder{built: built{config: &pipelineConfig{}}}
	b.collect(tasks)
	w.config.problems = append(w.config.problems, b.problems...)
	for _, d := range b.tasks {
		w.add("", d)
	}
}

// add takes a task. The same one may come twice.
func (w *Worker) add(pipeline string, d *declaration) {
	key := taskKey{pipeline, d.Name()}
	if d.stays {
		return
	}
	if other := w.tasks[key]; other == nil {
		w.tasks[key] = newWorkTask(pipeline, d)
	} else if other.from.body != d.body || other.from.pc != d.pc {
		w.config.problems = append(w.config.problems, Problem{Task: d.Name(), Location: d.Location(),
			Text: fmt.Sprintf("another task (%s) has the same name: give their pipelines different names with PipelineName, or make two workers", other.from.Location())})
	}
}

// check asks a broker that encodes about the types that it is to carry.
func (w *Worker) check() {
	checker, ok := w.broker.(broker.TypeChecker)
	if !ok {
		return
	}
	asked := map[reflect.Type]error{}
	for _, t := range w.inOrder() {
		for _, text := range t.from.unsendable(checker, asked) {
			w.config.problems = append(w.config.problems, Problem{Task: t.from.Name(), Location: t.from.Location(), Text: text})
		}
	}
}

// inOrder are the tasks in the order of their names.
func (w *Worker) inOrder() []*workTask {
	var all []*workTask
	for _, t := range w.tasks {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *workTask) int {
		return cmp.Or(cmp.Compare(a.offer.Pipeline, b.offer.Pipeline), cmp.Compare(a.offer.Name, b.offer.Name))
	})
	return all
}

// introduce makes what the worker says of itself.
func (w *Worker) introduce() {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	w.self = &broker.Worker{ID: newOwner(), Host: host, Queues: w.config.queues, Slots: w.config.concurrency}
	for _, t := range w.inOrder() {
		w.self.Tasks = append(w.self.Tasks, t.offer)
		if q := t.from.config.queue; len(w.config.queues) == 0 && !slices.Contains(w.self.Queues, q) {
			w.self.Queues = append(w.self.Queues, q)
		}
	}
}

// Build says what is wrong with the worker. The error is a [*BuildError].
func (w *Worker) Build() error { return w.err }

// ID names the worker in errors and listings. It has the host's name and the process
// id in it, and differs from that of all others.
func (w *Worker) ID() string { return w.self.ID }

// find is the task of a job, nil when the worker has none or one of other types.
func (w *Worker) find(j *broker.Job) *workTask {
	for _, pipeline := range []string{j.Pipeline, ""} {
		if t := w.tasks[taskKey{pipeline, j.Task}]; t != nil && t.offer.Fingerprint == j.Fingerprint {
			return t
		}
	}
	return nil
}

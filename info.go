package runnel

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// TaskInfo tells a task what it is part of.
type TaskInfo struct {
	Pipeline string // name of the pipeline, empty when it has none
	RunID    string
	Task     string
	Attempt  int   // from 1
	Index    []int // of the element, nil for a plain task
	// IdempotencyKey is the same for every attempt at the same task of the same
	// run, and differs from all others: "run/task[index]". A task that writes
	// somewhere can use it to write once.
	IdempotencyKey string

	of *taskContext
}

// Info is the information of the attempt that a context was made for; the zero
// TaskInfo for any other context.
func Info(ctx context.Context) TaskInfo {
	if ctx == nil {
		return TaskInfo{}
	}
	c, _ := ctx.Value(infoKey{}).(*taskContext)
	if c == nil {
		return TaskInfo{}
	}
	run := c.run.runID()
	task, index := c.run.plan.nodes[c.unit.node].task.Name(), c.run.index(c.unit)
	return TaskInfo{
		Pipeline:       c.run.name(),
		RunID:          run,
		Task:           task,
		Attempt:        int(c.attempt),
		Index:          index,
		IdempotencyKey: idempotencyKey(run, task, index),
		of:             c,
	}
}

// Inputs are the values that the attempt was called with, by the names of their
// data, as [AnyTask].Inputs lists them; those of an element by the names with the
// axes, as in "tracks[i]". Absent optional ones are left out. They are the values
// themselves, not copies: read them only. It is nil for the zero TaskInfo, and
// is meant to be called while the attempt goes on.
func (i TaskInfo) Inputs() Values {
	if i.of == nil {
		return nil
	}
	return i.of.run.inputs(i.of.unit)
}

// Label is the task's name with the index of its element, as in "features[42]".
func (i TaskInfo) Label() string { return label(i.Task, i.Index) }

func label(task string, index []int) string {
	if index == nil {
		return task
	}
	return task + strings.ReplaceAll(fmt.Sprint(index), " ", ",")
}

// idempotencyKey is "run/task[index]", with what would make two of them alike
// escaped as in a URL: the first slash ends the run, the last bracket begins the
// index.
func idempotencyKey(run, task string, index []int) string {
	return runEscaper.Replace(run) + "/" + label(taskEscaper.Replace(task), index)
}

var (
	runEscaper  = strings.NewReplacer("%", "%25", "/", "%2F")
	taskEscaper = strings.NewReplacer("%", "%25", "[", "%5B")
)

type infoKey struct{}

// taskContext is the context of one attempt: that of the run, and who it is. The
// first attempt at a task has its record for that, with the same methods.
// It is never used again for another attempt, since tasks may keep it.
type taskContext struct {
	run     *execution
	unit    unit
	attempt int32
}

func (c *taskContext) Deadline() (time.Time, bool) { return c.run.ctx.Deadline() }
func (c *taskContext) Done() <-chan struct{}       { return c.run.ctx.Done() }
func (c *taskContext) Err() error                  { return c.run.ctx.Err() }

func (c *taskContext) Value(key any) any {
	if key == (infoKey{}) {
		return c
	}
	return c.run.ctx.Value(key)
}

func (r *record) Deadline() (time.Time, bool) { return r.run.ctx.Deadline() }
func (r *record) Done() <-chan struct{}       { return r.run.ctx.Done() }
func (r *record) Err() error                  { return r.run.ctx.Err() }

func (r *record) Value(key any) any {
	if key == (infoKey{}) {
		return &taskContext{r.run, unit{r.node, whole}, 1}
	}
	return r.run.ctx.Value(key)
}

package viz

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/runnelflow/runnel"
)

// traceEvent is one event of a trace. Times are microseconds.
type traceEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Time     json.Number    `json:"ts,omitempty"`
	Duration json.Number    `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	ID       string         `json:"id,omitempty"`
	Scope    string         `json:"s,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// ChromeTrace writes a run, or one that goes on, in the JSON object form of the
// Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing
// open. The run is a process. A task that ran is a complete event (X) with its
// state, attempts, waits and errors as arguments, in lanes as few as there can
// be without two tasks of one lane overlapping; a lane is a place in the picture
// and no goroutine. The wait for a slot is an asynchronous event (b, e) of the
// category "waiting", a task that was not called an instant (i). Times are in
// microseconds since the start of the run, with nanoseconds behind the point.
//
// A report without times is an error, and so is nil.
func ChromeTrace(w io.Writer, r *runnel.Report) error {
	t, err := newTimeline(r, 0)
	if err != nil {
		return err
	}
	trace := struct {
		Events []traceEvent   `json:"traceEvents"`
		Unit   string         `json:"displayTimeUnit"`
		Other  map[string]any `json:"otherData"`
	}{
		Events: t.traceEvents(),
		Unit:   "ms",
		Other:  map[string]any{"pipeline": r.Pipeline, "run_id": r.RunID, "state": r.State, "started": r.Started},
	}
	text, err := json.Marshal(trace)
	if err != nil {
		return fmt.Errorf("viz: encoding the trace of run %q: %w", r.RunID, err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

const traceProcess = 1

func (t *timeline) traceEvents() []traceEvent {
	lanes, count := packLanes(t.rows)
	name := func(kind string, thread int, name string) traceEvent {
		return traceEvent{Name: kind, Phase: "M", Process: traceProcess, Thread: thread, Args: map[string]any{"name": name}}
	}
	events := []traceEvent{name("process_name", 0, t.title())}
	for lane := range count {
		events = append(events, name("thread_name", lane+1, fmt.Sprintf("lane %d", lane+1)))
	}
	for i, row := range t.rows {
		task := row.task
		id := fmt.Sprint(i + 1)
		if from, to, ok := row.waiting(); ok {
			wait := traceEvent{Name: task.Name, Category: "waiting", Phase: "b", Time: micros(from), Process: traceProcess, ID: id}
			events = append(events, wait)
			wait.Phase, wait.Time = "e", micros(to)
			events = append(events, wait)
		}
		event := traceEvent{Name: task.Name, Category: task.State.String(), Process: traceProcess, Args: row.traceArgs()}
		if from, to, ok := row.running(); ok {
			event.Phase, event.Time, event.Duration, event.Thread = "X", micros(from), micros(to-from), lanes[i]+1
			events = append(events, event)
		} else if task.State.Ended() {
			event.Phase, event.Time, event.Scope = "i", micros(row.ended), "p"
			events = append(events, event)
		}
	}
	return events
}

func (r timelineRow) traceArgs() map[string]any {
	t := r.task
	args := map[string]any{"state": t.State, "attempts": t.Attempts, "critical": r.critical, "waited_seconds": t.Waited.Seconds()}
	if t.Err != nil {
		args["error"] = errorText(t.Err)
	}
	if t.Reason != "" {
		args["reason"] = t.Reason
	}
	if t.Elements != nil {
		args["elements"] = t.Elements
	}
	return args
}

// micros writes a time in microseconds without rounding, so that what does not
// overlap in the report does not overlap in the trace.
func micros(d time.Duration) json.Number {
	if d%1000 == 0 {
		return json.Number(fmt.Sprint(int64(d) / 1000))
	}
	return json.Number(fmt.Sprintf("%d.%03d", int64(d)/1000, int64(d)%1000))
}

// packLanes gives each row that ran the first lane that is free when it starts,
// so that there are as many lanes as tasks that ran at one time.
func packLanes(rows []timelineRow) (lanes []int, count int) {
	var order []int
	for i, r := range rows {
		if r.started >= 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := rows[i], rows[j]
		return cmp.Or(cmp.Compare(a.started, b.started), cmp.Compare(a.ended, b.ended))
	})
	lanes = make([]int, len(rows))
	var busy laneEnds
	var free laneNumbers
	for _, i := range order {
		for len(busy) > 0 && busy[0].end <= rows[i].started {
			heap.Push(&free, heap.Pop(&busy).(laneEnd).lane)
		}
		if len(free) > 0 {
			lanes[i] = heap.Pop(&free).(int)
		} else {
			lanes[i] = count
			count++
		}
		heap.Push(&busy, laneEnd{rows[i].ended, lanes[i]})
	}
	return lanes, count
}

// laneEnd is when a lane becomes free.
type laneEnd struct {
	end  time.Duration
	lane int
}

type laneEnds []laneEnd

func (h laneEnds) Len() int           { return len(h) }
func (h laneEnds) Less(i, j int) bool { return h[i].end < h[j].end }
func (h laneEnds) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *laneEnds) Push(x any)        { *h = append(*h, x.(laneEnd)) }

func (h *laneEnds) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// laneNumbers are the lanes that are free.
type laneNumbers []int

func (h laneNumbers) Len() int           { return len(h) }
func (h laneNumbers) Less(i, j int) bool { return h[i] < h[j] }
func (h laneNumbers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *laneNumbers) Push(x any)        { *h = append(*h, x.(int)) }

func (h *laneNumbers) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

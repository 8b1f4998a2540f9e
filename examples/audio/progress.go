package main

import (
	"fmt"
	"io"
	"time"

	"github.com/runnelflow/runnel"
)

// progress returns an observer that writes a line for each task that ends. The
// events of a run arrive one after another, so it needs no lock; use it for one
// run.
func progress(w io.Writer) runnel.Observer {
	started := map[string]time.Time{}
	tasks, ended := 0, 0
	return func(e runnel.Event) {
		switch e := e.(type) {
		case runnel.RunStarted:
			tasks = e.Tasks
		case runnel.TaskStarted:
			started[e.Task] = e.At
		case runnel.TaskFinished:
			ended++
			how := e.State.String()
			if e.State == runnel.Succeeded {
				how = fmt.Sprintf("%8.1f ms", milliseconds(e.At.Sub(started[e.Task])))
			}
			fmt.Fprintf(w, "  %2d/%d  %-15s %s\n", ended, tasks, e.Task, how)
		case runnel.RunFinished:
			fmt.Fprintf(w, "  in all %25.1f ms\n", milliseconds(e.Duration))
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

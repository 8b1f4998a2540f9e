package viz_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/viz"
)

// night is the report of a run that took seven seconds. Result.Report and
// Run.Report give those of real ones.
func night() *runnel.Report {
	start := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	return &runnel.Report{
		Pipeline: "nightly", RunID: "r7", State: runnel.Failed, Started: start, Duration: 7 * time.Second,
		CriticalPath: []string{"load", "tempo"},
		Tasks: []runnel.TaskReport{
			{Name: "load", State: runnel.Succeeded, Attempts: 1, Ready: at(0), Started: at(0), Ended: at(2)},
			{Name: "tags", State: runnel.Succeeded, Attempts: 2, Ready: at(2), Started: at(2), Ended: at(4)},
			{Name: "tempo", State: runnel.Failed, Attempts: 1, Ready: at(2), Started: at(4), Ended: at(7), Waited: 2 * time.Second, Err: errors.New("no beat")},
			{Name: "embed", State: runnel.Cancelled, Ended: at(7), Reason: "the run failed"},
		},
	}
}

func ExampleTimelineText() {
	if err := viz.TimelineText(os.Stdout, night(), viz.Width(60)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// nightly, run r7: failed after 7s
	//         0s        2s         4s        6s
	//         ┬─────────┬──────────┬─────────┬─────
	// * load  ███████████                           2s
	//   tags            ████████████                2s, 2 attempts
	// * tempo           ░░░░░░░░░░░████████████████ failed, 3s
	//   embed                                     ◆ cancelled
	// * critical path   ░ waits for a slot   █ runs   ◆ not called
}

func ExampleTimelineSVG() {
	var picture strings.Builder
	if err := viz.TimelineSVG(&picture, night()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(picture.String(), "waited for a slot from +2s: 2s"))
	// Output: true
}

func ExampleTimelineJSON() {
	r := night()
	r.Tasks = r.Tasks[2:3]
	if err := viz.TimelineJSON(os.Stdout, r); err != nil {
		fmt.Println(err)
	}
	// Output: {"pipeline":"nightly","run_id":"r7","state":"failed","started":"2026-11-25T01:00:00Z","duration_seconds":7,"rows":[{"name":"tempo","state":"failed","critical":true,"attempts":1,"error":"no beat","spans":[{"kind":"waiting","from_seconds":2,"to_seconds":4},{"kind":"running","from_seconds":4,"to_seconds":7}]}]}
}

func ExampleChromeTrace() {
	r := night()
	r.Tasks = r.Tasks[:1]
	if err := viz.ChromeTrace(os.Stdout, r); err != nil {
		fmt.Println(err)
	}
	// Output: {"traceEvents":[{"name":"process_name","ph":"M","pid":1,"tid":0,"args":{"name":"nightly, run r7: failed after 7s"}},{"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{"name":"lane 1"}},{"name":"load","cat":"succeeded","ph":"X","ts":0,"dur":2000000,"pid":1,"tid":1,"args":{"attempts":1,"critical":true,"state":"succeeded","waited_seconds":0}}],"displayTimeUnit":"ms","otherData":{"pipeline":"nightly","run_id":"r7","started":"2026-11-25T01:00:00Z","state":"failed"}}
}

// diamond is a graph of four tasks.
func diamond() *dag.Graph {
	ports := func(names ...string) (p []dag.Port) {
		for _, name := range names {
			p = append(p, dag.Port{Name: name})
		}
		return p
	}
	g, err := dag.New([]dag.Spec{
		{Name: "load", Outputs: ports("audio")},
		{Name: "tags", Inputs: ports("audio"), Outputs: ports("tags")},
		{Name: "tempo", Inputs: ports("audio"), Outputs: ports("tempo")},
		{Name: "embed", Inputs: ports("tags", "tempo"), Outputs: ports("embed")},
	})
	if err != nil {
		panic(err)
	}
	return g
}

func ExampleMermaid() {
	if err := viz.Mermaid(os.Stdout, diamond()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// flowchart TD
	//   n0["load"]
	//   n1["tags"]
	//   n2["tempo"]
	//   n3["embed"]
	//   n0 -->|"audio"| n1
	//   n0 -->|"audio"| n2
	//   n1 --> n3
	//   n2 --> n3
}

func ExampleMermaidStyled() {
	var text strings.Builder
	if err := viz.MermaidStyled(&text, diamond(), viz.Collapse()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(text.String(), "class n1,n2 level1"))
	// Output: true
}

func ExampleDOT() {
	var text strings.Builder
	if err := viz.DOT(&text, diamond()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(text.String(), `n0 -> n1 [class="data", label="audio"];`))
	// Output: true
}

func ExampleCytoscape() {
	var text strings.Builder
	if err := viz.Cytoscape(&text, diamond(), viz.WithReport(nil)); err != nil {
		fmt.Println(err)
	}
	fmt.Println(text.String()[:78])
	// Output: {"elements":{"edges":[{"data":{"id":"e0","source":"n0","target":"n1","label":"
}

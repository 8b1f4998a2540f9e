package dag_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/runnelflow/runnel/dag"
)

func ports(names ...string) []dag.Port {
	var list []dag.Port
	for _, name := range names {
		list = append(list, dag.Port{Name: name, Type: reflect.TypeFor[string]()})
	}
	return list
}

func audio() *dag.Graph {
	g, err := dag.New([]dag.Spec{
		{Name: "extract", Inputs: ports("paths"), Outputs: ports("audio_features")},
		{Name: "mir", Inputs: ports("audio_features"), Outputs: ports("mir_features")},
		{Name: "tag", Inputs: ports("audio_features"), Outputs: ports("tags")},
		{Name: "embed", Inputs: ports("mir_features", "tags"), Outputs: ports("embedding")},
	})
	if err != nil {
		panic(err)
	}
	return g
}

func ExampleNew() {
	g, err := dag.New([]dag.Spec{
		{Name: "load", Inputs: ports("path"), Outputs: ports("audio")},
		{Name: "tempo", Inputs: ports("audio"), Outputs: ports("bpm", "beats")},
		{Name: "tag", Inputs: append(ports("audio"), dag.Port{Name: "config", Optional: true}), Outputs: ports("tags")},
	})
	fmt.Println(g, err)
	// Output:
	// 3 tasks in 2 levels
	//    ╭──────╮
	//    │ path │
	//    ╰──────╯
	//        │
	//        ▼
	//    ┌───────┐     ╭─────────╮
	//    │ load  │     │ config? │
	//    │ audio │     ╰─────────╯
	//    └───────┘          │
	//        │              │
	//        ├──────────────┤
	//        ▼              ▼
	// ┌────────────┐    ┌──────┐
	// │   tempo    │    │ tag  │
	// │ bpm, beats │    │ tags │
	// └────────────┘    └──────┘ <nil>
}

func ExampleNew_problems() {
	_, err := dag.New([]dag.Spec{
		{Name: "egg", Inputs: ports("hen"), Outputs: ports("egg")},
		{Name: "hen", Inputs: ports("egg"), Outputs: ports("hen")},
		{Name: "cook", After: []string{"eg"}, Outputs: ports("meal")},
		{Name: "fry", Outputs: ports("meal")},
	})
	fmt.Println(err)
	// Output:
	// dag: 3 problems:
	//   - data "meal" is produced by tasks "cook" and "fry"; rename the output of all but one
	//   - task "cook" is to run after "eg", but there is no such task; did you mean "egg"?
	//   - cycle: egg → hen → egg (hen needs "egg" from egg; egg needs "hen" from hen); take one of these needs away
}

func ExampleGraph_TopologicalSort() {
	for _, n := range audio().TopologicalSort() {
		fmt.Printf("Level %d: %s\n", n.Level, n.Name)
	}
	// Output:
	// Level 0: extract
	// Level 1: mir
	// Level 1: tag
	// Level 2: embed
}

func ExampleGraph_Levels() {
	fmt.Println(audio().Levels())
	// Output: [[extract] [mir tag] [embed]]
}

func ExampleGraph_Ready() {
	g := audio()
	fmt.Println(g.Ready())
	fmt.Println(g.Ready("extract"))
	fmt.Println(g.Ready("extract", "mir"))
	// Output:
	// [extract]
	// [mir tag]
	// [tag]
}

func ExampleGraph_CriticalPath() {
	took := map[string]time.Duration{"extract": 2 * time.Second, "mir": time.Second, "tag": 3 * time.Second, "embed": time.Second}
	path, total := audio().CriticalPath(func(n *dag.Node) float64 { return took[n.Name].Seconds() })
	fmt.Println(path, total)
	// Output: [extract tag embed] 6
}

func ExampleGraph_Analyze() {
	took := map[string]time.Duration{"extract": 2 * time.Second, "mir": time.Second, "tag": 3 * time.Second, "embed": time.Second}
	a := audio().Analyze(func(n *dag.Node) float64 { return took[n.Name].Seconds() })
	fmt.Print(a)
	// Output:
	// 4 tasks, work 7
	// critical path, 6: extract → tag → embed
	// speed up first: tag (up to 2), then extract (up to 2), then embed (up to 1)
	//
	// WORKERS    AT LEAST  REACHED
	// 1          7         7
	// 2          6         6
	// unlimited  6         6
	//
	// TASK     COST  START  SLACK  GAIN
	// extract  2     0      0      2
	// tag      3     2      0      2
	// embed    1     5      0      1
	// mir      1     2      2      0
}

func ExampleAnalysis_Makespan() {
	a := audio().Analyze(nil)
	fmt.Println(a.Makespan(1))
	fmt.Println(a.Makespan(0)) // unlimited
	// Output:
	// 4 4
	// 3 3
}

func ExampleAnalysis_Bottlenecks() {
	took := map[string]float64{"extract": 2, "mir": 1, "tag": 3, "embed": 1}
	for _, t := range audio().Analyze(func(n *dag.Node) float64 { return took[n.Name] }).Bottlenecks() {
		fmt.Printf("%s: %v of %v\n", t.Node, t.Gain, t.Cost)
	}
	// Output:
	// tag: 2 of 3
	// extract: 2 of 2
	// embed: 1 of 1
}

func ExampleGraph_ParallelGroups() {
	fmt.Println(audio().ParallelGroups())
	// Output: [[mir tag]]
}

func ExampleGraph_Data() {
	d, ok := audio().Data("audio_features")
	fmt.Println(d.Name, d.Type, d.Producer, d.Consumers, d.External, ok)
	// Output: audio_features string extract [mir tag] false true
}

func ExampleGraph_Edges() {
	for _, e := range audio().Edges() {
		fmt.Println(e.From, "→", e.To, e.Data)
	}
	// Output:
	// extract → mir [audio_features]
	// extract → tag [audio_features]
	// mir → embed [mir_features]
	// tag → embed [tags]
}

func ExampleGraph_Ancestors() {
	g := audio()
	fmt.Println(g.Ancestors("embed"), g.Descendants("tag"))
	// Output: [extract mir tag] [embed]
}

func ExampleGraph_Subgraph() {
	g, _ := audio().Subgraph("tags")
	fmt.Println(g.Nodes())
	_, err := audio().Subgraph("tgas")
	fmt.Println(err)
	// Output:
	// [extract tag]
	// dag: no task produces or consumes "tgas"; did you mean "tags"?
}

func ExampleGraph_MarshalJSON() {
	g, _ := audio().Subgraph("audio_features")
	text, _ := json.MarshalIndent(g, "", "  ")
	fmt.Println(string(text))
	// Output:
	// {
	//   "nodes": [
	//     {
	//       "name": "extract",
	//       "description": "",
	//       "level": 0,
	//       "inputs": [
	//         "paths"
	//       ],
	//       "outputs": [
	//         "audio_features"
	//       ],
	//       "after": [],
	//       "meta": {}
	//     }
	//   ],
	//   "edges": [],
	//   "levels": [
	//     [
	//       "extract"
	//     ]
	//   ],
	//   "external_inputs": [
	//     "paths"
	//   ],
	//   "outputs": [
	//     "audio_features"
	//   ]
	// }
}

package viz

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// picture is what is drawn, whatever the format.
type picture struct {
	boxes    []box
	edges    []edge
	clusters []cluster
	levels   [][]int // boxes of each level, external inputs left out
	report   *runnel.Report
}

// kind is what a box stands for.
type kind string

const (
	taskKind     kind = "task"
	mappedKind   kind = "mapped"   // a task that runs once an element
	inputKind    kind = "input"    // an external input
	groupKind    kind = "group"    // several tasks that are alike
	pipelineKind kind = "pipeline" // a nested pipeline, folded
)

// box is one thing in the picture.
type box struct {
	id      string // "n0", "n1" …: never a name, which may have any characters
	kind    kind
	name    string // of the task, data or pipeline; of a group the first
	label   string // the name without the path of the cluster around it
	axes    []string
	cluster int // in picture.clusters, or -1
	level   int // -1 for an external input
	tasks   []*dag.Node
	run     *outcome // nil without a report, and for external inputs
}

// cluster is a nested pipeline with its tasks around it.
type cluster struct {
	id     string
	path   string // joined by slashes
	label  string // the last part
	parent int    // or -1
}

// edge joins two boxes.
type edge struct {
	from, to int
	data     []string // names that flow, sorted; empty when only After joins the two
	after    bool
	critical bool
}

// outcome is what became of a box in a run.
type outcome struct {
	state    runnel.State // the worst of a group's
	counts   map[runnel.State]int
	duration time.Duration // from the first start to the last end
	waited   time.Duration // the longest
	attempts int
	elements *runnel.Totals // of mapped tasks, else nil
	critical bool
	reason   string // why it was skipped or cancelled, or how it failed
}

// newPicture makes the boxes and edges of a graph.
func newPicture(g *dag.Graph, c *config) *picture {
	if g == nil {
		g = &dag.Graph{}
	}
	b := drawer{picture: &picture{report: c.report}, graph: g, config: c, at: map[*dag.Node]int{}, clusterAt: map[string]int{}}
	b.place(b.classes())
	b.inputs()
	b.connect()
	b.level()
	b.outcomes()
	return b.picture
}

type drawer struct {
	*picture
	graph     *dag.Graph
	config    *config
	at        map[*dag.Node]int // task to box
	clusterAt map[string]int
}

// place makes a box of each class of tasks, in the order of their first tasks.
func (b *drawer) place(classes [][]*dag.Node) {
	for _, tasks := range classes {
		first := tasks[0]
		x := box{kind: taskKind, name: first.Name, tasks: tasks, cluster: -1, level: first.Level, axes: axesOf(first)}
		path := first.Path
		fold := b.folded(path)
		switch {
		case fold > 0:
			x.kind, x.name, x.axes = pipelineKind, strings.Join(path[:fold], "/"), nil
			path = path[:fold-1]
		case len(tasks) > 1:
			x.kind = groupKind
		case x.axes != nil:
			x.kind = mappedKind
		}
		x.label = labelOf(x.name, path)
		x.cluster = b.clusterOf(path)
		for _, t := range tasks {
			x.level = min(x.level, t.Level)
			b.at[t] = len(b.boxes)
		}
		b.add(x)
	}
}

func (b *drawer) add(x box) {
	x.id = id("n", len(b.boxes))
	b.boxes = append(b.boxes, x)
}

// folded is how much of a path, from the outermost pipeline on, is drawn as one
// box; 0 for nothing.
func (b *drawer) folded(path []string) int {
	for n := 1; n <= len(path); n++ {
		if b.config.collapse[""] || b.config.collapse[strings.Join(path[:n], "/")] {
			return n
		}
	}
	return 0
}

// clusterOf is the cluster of a path, made with those around it if need be.
func (b *drawer) clusterOf(path []string) int {
	if len(path) == 0 {
		return -1
	}
	key := strings.Join(path, "\x00")
	if at, ok := b.clusterAt[key]; ok {
		return at
	}
	parent := b.clusterOf(path[:len(path)-1])
	at := len(b.clusters)
	b.clusters = append(b.clusters, cluster{id: id("c", at), path: strings.Join(path, "/"), label: path[len(path)-1], parent: parent})
	b.clusterAt[key] = at
	return at
}

// labelOf is a name without the path of the cluster that it is in.
func labelOf(name string, path []string) string {
	if len(path) == 0 {
		return name
	}
	return strings.TrimPrefix(name, strings.Join(path, "/")+"/")
}

// axesOf are the axes of a task's output, nil for a plain task.
func axesOf(n *dag.Node) []string {
	for _, p := range n.OutputPorts() {
		if p.Axes != nil {
			return p.Axes
		}
	}
	return nil
}

// inputs makes a box of each external input.
func (b *drawer) inputs() {
	for _, name := range b.graph.ExternalInputs() {
		b.add(box{kind: inputKind, name: name, label: name, cluster: -1, level: -1})
	}
}

// connect makes the edges between boxes.
func (b *drawer) connect() {
	type pair struct{ from, to int }
	at := map[pair]int{}
	join := func(from, to int, data []string, after bool) {
		if from == to {
			return // within one box
		}
		k, ok := at[pair{from, to}]
		if !ok {
			k = len(b.edges)
			at[pair{from, to}] = k
			b.edges = append(b.edges, edge{from: from, to: to})
		}
		e := &b.edges[k]
		e.after = e.after || after
		for _, name := range data {
			if !slices.Contains(e.data, name) {
				e.data = append(e.data, name)
			}
		}
	}
	for _, e := range b.graph.Edges() {
		join(b.at[e.From], b.at[e.To], e.Data, e.After)
	}
	for k := range b.boxes {
		if b.boxes[k].kind != inputKind {
			continue
		}
		data, _ := b.graph.Data(b.boxes[k].name)
		for _, n := range data.Consumers {
			join(k, b.at[n], []string{data.Name}, false)
		}
	}
	for k := range b.edges {
		slices.Sort(b.edges[k].data)
	}
}

// level sorts boxes by level. Groups and folded pipelines count by their first
// task.
func (b *drawer) level() {
	for k := range b.boxes {
		level := b.boxes[k].level
		if level < 0 {
			continue
		}
		for len(b.levels) <= level {
			b.levels = append(b.levels, nil)
		}
		b.levels[level] = append(b.levels[level], k)
	}
	b.levels = slices.DeleteFunc(b.levels, func(l []int) bool { return l == nil })
}

// id is a box's or a cluster's name in a format.
func id(letter string, n int) string { return letter + strconv.Itoa(n) }

// title is a box's name with its axes, as a task declares them.
func (x *box) title() string {
	if len(x.axes) == 0 {
		return x.label
	}
	return x.label + "[" + strings.Join(x.axes, ",") + "]"
}

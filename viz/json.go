package viz

import (
	"encoding/json"
	"io"

	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/layout"
)

// The schema of JSON, which docs/viz.md explains. Members may be added.
type pictureJSON struct {
	Nodes    []nodeJSON    `json:"nodes"`
	Edges    []edgeJSON    `json:"edges"`
	Levels   [][]string    `json:"levels"`
	Clusters []clusterJSON `json:"clusters"`
	Width    float64       `json:"width"`
	Height   float64       `json:"height"`
	Run      *reportJSON   `json:"run,omitempty"`
}

type nodeJSON struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Label       string       `json:"label"`
	Kind        kind         `json:"kind"`
	Axes        []string     `json:"axes,omitempty"`
	Level       int          `json:"level"`
	Cluster     string       `json:"cluster,omitempty"`
	Description string       `json:"description,omitempty"`
	Tasks       []string     `json:"tasks,omitempty"`
	X           float64      `json:"x"`
	Y           float64      `json:"y"`
	Width       float64      `json:"width"`
	Height      float64      `json:"height"`
	Run         *outcomeJSON `json:"run,omitempty"`
}

type outcomeJSON struct {
	State    string         `json:"state"`
	Counts   map[string]int `json:"counts,omitempty"`
	Seconds  float64        `json:"seconds"`
	Waited   float64        `json:"waited_seconds"`
	Attempts int            `json:"attempts"`
	Elements any            `json:"elements,omitempty"`
	Critical bool           `json:"critical"`
	Reason   string         `json:"reason,omitempty"`
}

type edgeJSON struct {
	From     string       `json:"from"`
	To       string       `json:"to"`
	Data     []string     `json:"data"`
	After    bool         `json:"after"`
	Critical bool         `json:"critical,omitempty"`
	Points   [][2]float64 `json:"points"`
}

type clusterJSON struct {
	ID     string  `json:"id"`
	Path   string  `json:"path"`
	Label  string  `json:"label"`
	Parent string  `json:"parent,omitempty"`
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

type reportJSON struct {
	Pipeline string  `json:"pipeline,omitempty"`
	RunID    string  `json:"run_id,omitempty"`
	State    string  `json:"state"`
	Seconds  float64 `json:"seconds"`
}

// JSON writes a picture for programs that draw it themselves, as one object:
//
//	nodes     what the boxes are: id, name, label, kind ("task", "mapped", "input",
//	          "group" or "pipeline"), axes, level (-1 for an input), cluster (an id),
//	          description, tasks (the names of those that the box stands for), x, y,
//	          width, height, and with a report run: state, counts by state of
//	          several tasks, seconds, waited_seconds, attempts, elements, critical,
//	          reason
//	edges     from and to (ids), data, after, critical, points
//	levels    ids of the nodes of each level, without inputs
//	clusters  the nested pipelines: id, path, label, parent (an id), x, y, width,
//	          height
//	width, height  of the whole
//	run       with a report: pipeline, run_id, state, seconds
//
// Coordinates are in pixels from the upper left corner; x and y are that of a box's
// upper left. Ids are valid in one picture only. The error is that of w.
func JSON(w io.Writer, g *dag.Graph, opts ...Option) error {
	p := newPicture(g, configure(opts))
	out := p.json(p.arrange())
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func (p *picture) json(l layout.Layout) *pictureJSON {
	out := &pictureJSON{Nodes: []nodeJSON{}, Edges: []edgeJSON{}, Levels: [][]string{}, Clusters: []clusterJSON{}, Width: tenth(l.W), Height: tenth(l.H)}
	for k := range p.boxes {
		out.Nodes = append(out.Nodes, p.nodeJSON(&p.boxes[k], l.Boxes[k]))
	}
	for k := range p.edges {
		e := &p.edges[k]
		j := edgeJSON{From: p.boxes[e.from].id, To: p.boxes[e.to].id, Data: append([]string{}, e.data...), After: e.after, Critical: e.critical, Points: [][2]float64{}}
		for _, at := range l.Edges[k] {
			j.Points = append(j.Points, [2]float64{tenth(at.X), tenth(at.Y)})
		}
		out.Edges = append(out.Edges, j)
	}
	for _, level := range p.levels {
		ids := []string{}
		for _, k := range level {
			ids = append(ids, p.boxes[k].id)
		}
		out.Levels = append(out.Levels, ids)
	}
	for k, c := range p.clusters {
		r := l.Clusters[k]
		j := clusterJSON{ID: c.id, Path: c.path, Label: c.label, X: tenth(r.X), Y: tenth(r.Y), Width: tenth(r.W), Height: tenth(r.H)}
		if c.parent >= 0 {
			j.Parent = p.clusters[c.parent].id
		}
		out.Clusters = append(out.Clusters, j)
	}
	if r := p.report; r != nil {
		out.Run = &reportJSON{Pipeline: r.Pipeline, RunID: r.RunID, State: r.State.String(), Seconds: r.Duration.Seconds()}
	}
	return out
}

func (p *picture) nodeJSON(x *box, r layout.Rect) nodeJSON {
	n := nodeJSON{ID: x.id, Name: x.name, Label: x.label, Kind: x.kind, Axes: x.axes, Level: x.level, X: tenth(r.X), Y: tenth(r.Y), Width: tenth(r.W), Height: tenth(r.H)}
	if x.cluster >= 0 {
		n.Cluster = p.clusters[x.cluster].id
	}
	for _, t := range x.tasks {
		n.Tasks = append(n.Tasks, t.Name)
	}
	if len(x.tasks) == 1 {
		n.Description = x.tasks[0].Description
	}
	if o := x.run; o != nil {
		n.Run = &outcomeJSON{State: o.state.String(), Seconds: o.duration.Seconds(), Waited: o.waited.Seconds(), Attempts: o.attempts, Critical: o.critical, Reason: o.reason}
		if o.elements != nil {
			n.Run.Elements = o.elements
		}
		if len(x.tasks) > 1 {
			n.Run.Counts = map[string]int{}
			for s, c := range o.counts {
				n.Run.Counts[s.String()] = c
			}
		}
	}
	return n
}

package viz

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/layout"
)

type cytoscapeElement struct {
	Data     any       `json:"data"`
	Classes  string    `json:"classes"`
	Position *position `json:"position,omitempty"`
}

type position struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

type cytoscapeCluster struct {
	ID     string `json:"id"`
	Parent string `json:"parent,omitempty"`
	Label  string `json:"label"`
	Path   string `json:"path"`
}

type cytoscapeNode struct {
	ID       string         `json:"id"`
	Parent   string         `json:"parent,omitempty"`
	Label    string         `json:"label"`
	Kind     kind           `json:"kind"`
	Name     string         `json:"name"`
	Level    int            `json:"level"`
	Axes     []string       `json:"axes,omitempty"`
	Tasks    []string       `json:"tasks"`
	State    string         `json:"state,omitempty"`
	Attempts int            `json:"attempts,omitempty"`
	Duration float64        `json:"duration_seconds,omitempty"`
	Waited   float64        `json:"waited_seconds,omitempty"`
	Elements *runnel.Totals `json:"elements,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Critical bool           `json:"critical,omitempty"`
}

type cytoscapeEdge struct {
	ID       string   `json:"id"`
	Source   string   `json:"source"`
	Target   string   `json:"target"`
	Label    string   `json:"label"`
	Data     []string `json:"data"`
	After    bool     `json:"after,omitempty"`
	Critical bool     `json:"critical,omitempty"`
}

// Cytoscape writes a graph as the JSON that Cytoscape.js takes as elements:
//
//	{"elements": {"nodes": […], "edges": […]}}
//
// A node has in data: id, parent (the id of its nested pipeline), label, kind
// ("task", "mapped", "input" for an external one, "group", "pipeline" for a
// folded one), name, level (-1 for an input), axes, tasks (the names of those
// that it stands for), and with [WithReport] state, attempts, duration_seconds,
// waited_seconds, elements, reason and critical. Its classes are its kind, its
// state and "critical", where they apply. Its position, in pixels, is that of the
// other pictures; the layout named "preset" takes it. A nested pipeline that is not folded is a node of class
// "cluster" with id, parent, label and path, and without a position: it is as
// large as what is in it.
//
// An edge has id, source, target, label, data (the names that flow), after and
// critical, and the class "data", or "after" for order alone.
func Cytoscape(w io.Writer, g *dag.Graph, opts ...Option) error {
	p := newPicture(g, configure(opts))
	nodes, edges := []cytoscapeElement{}, []cytoscapeElement{}
	parent := func(cluster int) string {
		if cluster < 0 {
			return ""
		}
		return p.clusters[cluster].id
	}
	for _, c := range p.clusters {
		nodes = append(nodes, cytoscapeElement{Data: cytoscapeCluster{c.id, parent(c.parent), c.label, c.path}, Classes: "cluster"})
	}
	l := p.arrange()
	for k := range p.boxes {
		x := &p.boxes[k]
		data := cytoscapeNode{ID: x.id, Parent: parent(x.cluster), Label: strings.Join(x.texts(), "\n"), Kind: x.kind, Name: x.name,
			Level: x.level, Axes: x.axes, Tasks: make([]string, len(x.tasks))}
		for k, n := range x.tasks {
			data.Tasks[k] = n.Name
		}
		if r := x.run; r != nil {
			data.State, data.Attempts, data.Elements, data.Reason, data.Critical = r.state.String(), r.attempts, r.elements, r.reason, r.critical
			data.Duration, data.Waited = r.duration.Seconds(), r.waited.Seconds()
		}
		nodes = append(nodes, cytoscapeElement{Data: data, Classes: strings.Join(x.classes(), " "), Position: centre(l.Boxes[k])})
	}
	for k := range p.edges {
		e := &p.edges[k]
		edges = append(edges, cytoscapeElement{Classes: e.class(), Data: cytoscapeEdge{
			id("e", k), p.boxes[e.from].id, p.boxes[e.to].id, p.edgeText(e), append([]string{}, e.data...), e.after, e.critical,
		}})
	}
	text, err := json.Marshal(map[string]any{"elements": map[string]any{"nodes": nodes, "edges": edges}})
	if err != nil {
		return fmt.Errorf("viz: encoding the graph for Cytoscape.js: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// centre is the middle of a box, which Cytoscape.js puts a node by.
func centre(r layout.Rect) *position {
	return &position{tenth(r.X + r.W/2), tenth(r.Y + r.H/2)}
}

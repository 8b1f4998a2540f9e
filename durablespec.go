package runnel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// newOwner is a name for who drives a run, or does jobs: it differs from all others.
func newOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%08x", host, os.Getpid(), rand.Uint32())
}

// describeRun is what a broker keeps of a run that was asked for.
func (q *request) describeRun() *broker.Run {
	g, c := q.built, &q.config
	nodes := g.nodes()
	r := &broker.Run{
		ID: c.id, Pipeline: g.config.name, Nodes: nodes, Graph: graphOf(nodes), Digests: map[string]string{}, Opened: time.Now(),
		Options: broker.RunOptions{Targets: c.targets, ErrorMode: c.mode.String(), MaxParallel: c.limit, Limited: c.limited, AwaitWorkers: c.patience},
	}
	values := maps.Clone(q.inputs)
	if values == nil {
		values = Values{}
	}
	// What the process of the run has, and another one may have otherwise.
	maps.Copy(values, c.taken)
	for _, d := range g.tasks {
		if !d.stays {
			continue
		}
		if name := d.outputs[0].name; c.taken[name] == nil {
			values[name] = d.literal
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if digest, ok := digestOf(v); ok {
			r.Digests[name] = digest
		}
		r.Inputs = append(r.Inputs, broker.Input{Name: name, Value: broker.Go{V: v}, Whole: true})
	}
	return r
}

// describeNodes is what a broker keeps of a graph, in the order of the tasks' names.
func (g *built) describeNodes() []*broker.Node {
	offers := g.offers()
	nodes := make([]*broker.Node, len(g.tasks))
	for i, d := range g.tasks {
		n := &broker.Node{Task: d.Name(), Fingerprint: offers[i].Fingerprint, Types: offers[i].Types}
		for _, in := range d.inputs {
			n.Inputs = append(n.Inputs, withAxes(in.name, in.axes))
		}
		for _, out := range d.outputs {
			n.Outputs = append(n.Outputs, withAxes(out.name, out.axes))
		}
		for _, t := range g.after[int32(i)] {
			n.After = append(n.After, g.tasks[t].Name())
		}
		slices.Sort(n.After)
		nodes[i] = n
	}
	slices.SortFunc(nodes, func(a, b *broker.Node) int { return cmp.Compare(a.Task, b.Task) })
	return nodes
}

// graphOf is the fingerprint of a graph.
func graphOf(nodes []*broker.Node) string {
	bare := make([]broker.Node, len(nodes))
	for i, n := range nodes {
		bare[i] = *n
		bare[i].Types = nil // which the fingerprint of the task stands for
	}
	text, err := json.Marshal(bare)
	if err != nil {
		panic(err) // strings and slices of them
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

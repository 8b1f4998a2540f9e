package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/dag"
)

// list shows the pipelines with their inputs, tasks and outputs.
func (c *call) list() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "shows pipelines, their inputs and their tasks",
		Args:  noArguments,
	}
	asJSON := cmd.Flags().Bool("json", false, "write JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		if *asJSON {
			return c.listJSON()
		}
		var broken error
		for i, f := range c.flows {
			if i > 0 {
				fmt.Fprintln(c.Out)
			}
			if f.err != nil {
				fmt.Fprintf(c.Out, "%s does not build\n", f.title())
				c.say("%v", f.err)
				broken = status(ExitBuild)
				continue
			}
			if err := f.write(c.Out); err != nil {
				return err
			}
		}
		return broken
	}
	return cmd
}

func (f *flow) title() string {
	if f.name == "" {
		return "pipeline"
	}
	return "pipeline " + f.name
}

// write shows a pipeline.
func (f *flow) write(out io.Writer) error {
	t := newTable(out, 3)
	fmt.Fprintf(out, "%s: %s in %s\n", f.title(), plural(f.graph.Len(), "task", "tasks"), plural(len(f.graph.Levels()), "level", "levels"))
	if len(f.inputs) > 0 {
		fmt.Fprintln(out, "  inputs")
	}
	for _, in := range f.inputs {
		t.row("    "+clean(in.name), in.typeName(), in.about())
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "  tasks")
	for _, n := range f.graph.Nodes() {
		t.row("    "+clean(n.Name), ports(n.InputPorts())+" → "+ports(n.OutputPorts()), clean(n.Description))
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "  outputs")
	for _, name := range f.graph.Outputs() {
		data, _ := f.graph.Data(name)
		final := ""
		if len(data.Consumers) == 0 {
			final = "a result"
		}
		t.row("    "+clean(name), typeName(data.Type), final)
	}
	return t.flush()
}

// ports names the ends of a task, those along axes with them.
func ports(ports []dag.Port) string {
	var names []string
	for _, p := range ports {
		name := p.Name
		if p.Axes != nil {
			name += "[" + strings.Join(p.Axes, ",") + "]"
		}
		if p.Optional {
			name += "?"
		}
		names = append(names, name)
	}
	return clean(strings.Join(names, ", "))
}

// listJSON writes the same for programs.
func (c *call) listJSON() error {
	type inputJSON struct {
		Name     string   `json:"name"`
		Flag     string   `json:"flag"`
		Type     string   `json:"type"`
		Optional bool     `json:"optional"`
		Default  string   `json:"default"`
		Tasks    []string `json:"tasks"`
	}
	type flowJSON struct {
		Name   string      `json:"name"`
		Error  string      `json:"error,omitempty"`
		Inputs []inputJSON `json:"inputs"`
		Graph  *dag.Graph  `json:"graph"`
	}
	all := []flowJSON{}
	var broken error
	for _, f := range c.flows {
		j := flowJSON{Name: f.name, Inputs: []inputJSON{}, Graph: f.graph}
		if f.err != nil {
			j.Error, broken = f.err.Error(), status(ExitBuild)
		}
		for _, in := range f.inputs {
			j.Inputs = append(j.Inputs, inputJSON{in.name, in.flag, in.typeName(), in.optional, in.preset, in.takers})
		}
		all = append(all, j)
	}
	if err := writeJSON(c.Out, all); err != nil {
		return err
	}
	return broken
}

// writeJSON writes a value for programs and for people.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

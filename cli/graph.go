package cli

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/viz"
)

// view is how a graph is to be drawn.
type view struct {
	report   *runnel.Report // of a run of it; nil: none
	width    int            // of text, in columns; 0: the default
	color    bool           // of text
	above    int            // tasks from which on alike ones are drawn as one; negative: the default
	collapse []string       // paths of nested pipelines to fold
}

// options are the view as package viz has it.
func (v view) options() []viz.Option {
	opts := []viz.Option{viz.WithReport(v.report)}
	if v.above >= 0 {
		opts = append(opts, viz.GroupAbove(v.above))
	}
	if v.collapse != nil {
		opts = append(opts, viz.Collapse(v.collapse...))
	}
	return opts
}

// graphFormat is a format of pictures of graphs.
type graphFormat struct {
	name   string
	ending string // of files; empty when another format has it
	binary bool
	draw   func(w io.Writer, g *dag.Graph, v view) error
}

// graphFormats are the formats, the default first.
var graphFormats = []graphFormat{
	{"text", "txt", false, text(false)},
	{"ascii", "", false, text(true)},
	{"svg", "svg", false, drawn(viz.SVG)},
	{"png", "png", true, drawn(viz.PNG)},
	{"json", "json", false, drawn(viz.JSON)},
	{"cytoscape", "cyjs", false, drawn(viz.Cytoscape)},
	{"dot", "dot", false, drawn(viz.DOT)},
	{"mermaid", "mmd", false, drawn(viz.Mermaid)},
	{"mermaid-styled", "", false, drawn(viz.MermaidStyled)},
}

// drawn adapts a function of package viz.
func drawn(draw func(io.Writer, *dag.Graph, ...viz.Option) error) func(io.Writer, *dag.Graph, view) error {
	return func(w io.Writer, g *dag.Graph, v view) error { return draw(w, g, v.options()...) }
}

// leastWidth is the narrowest text that package viz draws.
const leastWidth = 40

// text draws with the characters of a terminal, or those of ASCII alone.
func text(ascii bool) func(io.Writer, *dag.Graph, view) error {
	return func(w io.Writer, g *dag.Graph, v view) error {
		opts := []viz.TextOption{viz.Color(v.color)}
		for _, o := range v.options() {
			opts = append(opts, o)
		}
		if v.width > 0 {
			opts = append(opts, viz.Width(max(v.width, leastWidth)))
		}
		if ascii {
			opts = append(opts, viz.ASCII())
		}
		return viz.Text(w, g, opts...)
	}
}

func graphFormatNames() []string {
	var names []string
	for _, f := range graphFormats {
		names = append(names, f.name)
	}
	return names
}

// formatOf finds a format by its name, or without one by the file's.
func formatOf(cmd *cobra.Command, name, file string) (graphFormat, error) {
	i := slices.IndexFunc(graphFormats, func(f graphFormat) bool { return f.name == name })
	if name == "" {
		i = max(0, formatOfFile(file))
	}
	if i < 0 {
		return graphFormat{}, unknownFormat(cmd, name, graphFormatNames())
	}
	return graphFormats[i], nil
}

// formatOfFile is the place of the format that a file's ending asks for, or -1.
func formatOfFile(file string) int {
	return slices.IndexFunc(graphFormats, func(f graphFormat) bool { return f.ending != "" && f.ending == extension(file) })
}

// graph draws the graph of a pipeline.
func (c *call) graph() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "draws a pipeline's graph",
		Long:  "To the standard output, or into a file whose ending says the format.",
	}
	return c.eachFlow(cmd, func(cmd *cobra.Command, f *flow) {
		var v view
		flags := cmd.Flags()
		format := flags.String("format", "", listed(graphFormatNames()))
		name(flags, "format", "FORMAT")
		output := flags.String("output", "", "write into a file")
		name(flags, "output", "FILE")
		targets := flags.StringSlice("target", nil, "only what these outputs need")
		name(flags, "target", "OUTPUTS")
		flags.IntVar(&v.width, "width", 0, "columns of text (0 is the terminal's width, or 100)")
		flags.IntVar(&v.above, "group-above", -1, "draw tasks that are alike as one, from so many tasks on; 0 never does (-1 is 120)")
		flags.StringSliceVar(&v.collapse, "collapse", nil, "draw nested pipelines of these paths as one box each")
		for _, flag := range []string{"width", "group-above"} {
			name(flags, flag, "N")
		}
		name(flags, "collapse", "PATHS")
		complete(cmd, f)
		offerFormats(cmd, graphFormatNames())
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			g, err := f.needed(cmd, *targets)
			if err != nil {
				return err
			}
			picture, err := formatOf(cmd, *format, *output)
			if err != nil {
				return err
			}
			if *output != "" {
				return writeFile(*output, func(w io.Writer) error { return picture.draw(w, g, v) })
			}
			if t, ok := terminalOf(c.Out); ok {
				if picture.binary {
					return wrong(cmd, "%s is not for a terminal: give it a file with --output", picture.name)
				}
				v.color = colored()
				if width, _ := t.size(); v.width == 0 {
					v.width = width
				}
			}
			return picture.draw(c.Out, g, v)
		}
	})
}

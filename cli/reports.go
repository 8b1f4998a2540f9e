package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/viz"
)

// files are what a run leaves behind, each in the format that its ending says.
type files struct {
	report, timeline, picture string
}

// flags adds the flags that name the files.
func (f *files) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.report, "report", "", "write the report into a file: .json, or a table as .txt")
	flags.StringVar(&f.timeline, "timeline", "", "write the timeline into a file: .svg, .txt, .json, or .trace for Perfetto")
	flags.StringVar(&f.picture, "picture", "", "write the graph with the run's states into a file: "+endings())
	for _, flag := range []string{"report", "timeline", "picture"} {
		name(flags, flag, "FILE")
	}
}

func endings() string {
	var all []string
	for _, f := range graphFormats {
		if f.ending != "" {
			all = append(all, "."+f.ending)
		}
	}
	return strings.Join(all, ", ")
}

// timelines writes the timeline of a run, by the ending of the file.
var timelines = map[string]func(io.Writer, *runnel.Report) error{
	"svg":   func(w io.Writer, r *runnel.Report) error { return viz.TimelineSVG(w, r) },
	"txt":   func(w io.Writer, r *runnel.Report) error { return viz.TimelineText(w, r) },
	"json":  viz.TimelineJSON,
	"trace": viz.ChromeTrace,
}

// check refuses endings that mean no format, before anything has run.
func (f *files) check(cmd *cobra.Command) error {
	if end := extension(f.report); f.report != "" && end != "json" && end != "txt" {
		return wrong(cmd, "--report %s: the name of the file must end in .json or .txt", quote(f.report))
	}
	if f.timeline != "" && timelines[extension(f.timeline)] == nil {
		return wrong(cmd, "--timeline %s: the name of the file must end in .svg, .txt, .json or .trace", quote(f.timeline))
	}
	if f.picture != "" && formatOfFile(f.picture) < 0 {
		return wrong(cmd, "--picture %s: the name of the file must end in one of %s", quote(f.picture), endings())
	}
	return nil
}

// write writes the files that were asked for.
func (f *files) write(g *dag.Graph, r *runnel.Report) error {
	var errs []error
	add := func(name string, write func(io.Writer) error) {
		if name != "" {
			errs = append(errs, writeFile(name, write))
		}
	}
	add(f.report, func(w io.Writer) error {
		if extension(f.report) == "txt" {
			_, err := fmt.Fprint(w, r)
			return err
		}
		return writeJSON(w, r)
	})
	add(f.timeline, func(w io.Writer) error { return timelines[extension(f.timeline)](w, r) })
	add(f.picture, func(w io.Writer) error {
		return graphFormats[formatOfFile(f.picture)].draw(w, g, view{report: r})
	})
	return errors.Join(errs...)
}

// writeFile makes a file. What cannot be written leaves the one that was there
// before as it was.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, b.Bytes(), 0o666)
}

// Package catalogue lists recordings with all that is known of them, in a table.
package catalogue

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/perfile"
	"github.com/runnelflow/runnel/examples/internal/recording"
)

// Entry is a recording in the catalogue.
type Entry struct {
	describe.Music
	Tags       []string
	Nearest    string  // path of the most similar other recording; empty when alone
	Similarity float64 // cosine of the two embeddings, -1 to 1
}

// Of puts together what is known of each recording, and which other one is most like
// it.
func Of(music perfile.Results[describe.Music], tags perfile.Results[[]string], embeddings perfile.Results[describe.Embedding]) perfile.Results[Entry] {
	points := make([]describe.Embedding, len(embeddings))
	for i, e := range embeddings {
		points[i] = e.Value
	}
	neighbours := describe.Nearest(points)
	entries := perfile.Join(music, tags, func(m describe.Music, t []string) Entry {
		return Entry{Music: m, Tags: t}
	})
	for i, n := range neighbours {
		if n.Index >= 0 {
			entries[i].Value.Nearest = entries[n.Index].Path
			entries[i].Value.Similarity = n.Similarity
		}
	}
	return entries
}

// Report writes a table of the files that were analysed to stdout, then a line
// for each that was not to stderr, and returns how many were.
func Report(stdout, stderr io.Writer, entries perfile.Results[Entry]) (analysed int) {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, e := range entries {
		if e.Err != nil {
			continue
		}
		if analysed++; analysed == 1 {
			fmt.Fprintln(w, "clip\tlength\tloudness\ttempo\tkey\tcentroid\ttags\tnearest")
		}
		fmt.Fprintln(w, row(e))
	}
	w.Flush()
	for _, e := range entries {
		if e.Err != nil {
			fmt.Fprintf(stderr, "%s: %s\n", shown(e.Path), line(e.Err.Error()))
		}
	}
	return analysed
}

func row(e perfile.Of[Entry]) string {
	v := e.Value
	tempo, nearest := "none", "none"
	if v.Tempo.BPM > 0 {
		tempo = fmt.Sprintf("%.1f BPM", v.Tempo.BPM)
	}
	if v.Nearest != "" {
		nearest = fmt.Sprintf("%s (%.2f)", shown(v.Nearest), v.Similarity)
	}
	return strings.Join([]string{
		shown(e.Path),
		fmt.Sprintf("%.1f s", v.Duration.Seconds()),
		fmt.Sprintf("%.1f LUFS", v.Loudness.Integrated),
		tempo,
		v.Key.String(),
		fmt.Sprintf("%.0f Hz", v.Spectrum.Centroid),
		strings.Join(v.Tags, ", "),
		nearest,
	}, "\t")
}

// shown is how a path is printed: on one line whatever the name holds, and without
// tabs, which would shift the columns.
func shown(path string) string { return line(strings.TrimPrefix(path, recording.Prefix)) }

func line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

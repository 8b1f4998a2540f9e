package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/tonality"
)

// Recording is one that was analysed.
type Recording struct {
	Path string
	describe.Music
}

// Summary is what there is to say of a library.
type Summary struct {
	Recordings []Recording // in the order of the paths
	Missing    int         // files that could not be analysed
	Duration   time.Duration
	Modes      map[string]int // recordings in major, minor or no key
	Tempos     map[int]int    // recordings by their tempo, in steps of 20 BPM: 120 is 120 to 139
	// Alike are the two recordings that are nearest to each other, as indexes
	// of Recordings, and Similarity is the cosine of their embeddings. Without
	// two recordings the indexes are equal.
	Alike      [2]int
	Similarity float64
}

// summarize reduces what is known of each file to what is known of all. A file
// without features has an error at its index.
func summarize(paths []string, features runnel.Partial[describe.Music], points []describe.Embedding) Summary {
	s := Summary{Modes: map[string]int{}, Tempos: map[int]int{}, Similarity: math.Inf(-1)}
	var kept []describe.Embedding
	for i, path := range paths {
		if features.Errs[i] != nil {
			s.Missing++
			continue
		}
		m := features.Values[i]
		s.Recordings = append(s.Recordings, Recording{path, m})
		s.Duration += m.Duration
		s.Modes[mode(m.Key)]++
		if m.Tempo.BPM > 0 {
			s.Tempos[int(m.Tempo.BPM+0.5)/20*20]++
		}
		kept = append(kept, points[i])
	}
	for i, n := range describe.Nearest(kept) {
		if n.Index >= 0 && n.Similarity > s.Similarity {
			s.Alike, s.Similarity = [2]int{i, n.Index}, n.Similarity
		}
	}
	return s
}

func mode(k tonality.Key) string {
	switch {
	case !k.Found():
		return "no key"
	case k.Minor:
		return "minor"
	}
	return "major"
}

func report(w io.Writer, s Summary) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range s.Recordings {
		fmt.Fprintf(table, "%s\t%.1f s\t%.1f LUFS\t%.1f BPM\t%v\t%s\n", name(r.Path),
			r.Duration.Seconds(), r.Loudness.Integrated, r.Tempo.BPM, r.Key, strings.Join(describe.Tags(r.Music), ", "))
	}
	table.Flush()
	fmt.Fprintf(w, "\n%d recordings, %v; %d files could not be analysed\n", len(s.Recordings), s.Duration.Round(time.Second), s.Missing)
	if len(s.Recordings) == 0 {
		return
	}
	byLevel := func(a, b Recording) int { return cmp.Compare(a.Loudness.Integrated, b.Loudness.Integrated) }
	quiet, loud := slices.MinFunc(s.Recordings, byLevel), slices.MaxFunc(s.Recordings, byLevel)
	fmt.Fprintf(w, "quietest  %s, %.1f LUFS\n", name(quiet.Path), quiet.Loudness.Integrated)
	fmt.Fprintf(w, "loudest   %s, %.1f LUFS\n", name(loud.Path), loud.Loudness.Integrated)
	if a, b := s.Alike[0], s.Alike[1]; a != b {
		fmt.Fprintf(w, "alike     %s and %s (%.2f)\n", name(s.Recordings[a].Path), name(s.Recordings[b].Path), s.Similarity)
	}
	var tempos, keys []string
	for _, t := range slices.Sorted(maps.Keys(s.Tempos)) {
		tempos = append(tempos, fmt.Sprintf("%d in %d–%d BPM", s.Tempos[t], t, t+19))
	}
	for _, k := range slices.Sorted(maps.Keys(s.Modes)) {
		keys = append(keys, fmt.Sprintf("%d in %s", s.Modes[k], k))
	}
	fmt.Fprintf(w, "tempo     %s\nmode      %s\n", strings.Join(tempos, ", "), strings.Join(keys, ", "))
}

// name is how a file is shown: without its folder, and on one line.
func name(path string) string {
	return strings.Trim(fmt.Sprintf("%q", filepath.Base(path)), `"`)
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
	"github.com/runnelflow/runnel/runneltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The analysis of the library that is made on the spot finds what it was made of.
func TestMadeLibrary(t *testing.T) {
	folder := t.TempDir()
	if err := makeLibrary(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	paths, err := find([]string{folder})
	if err != nil {
		t.Fatal(err)
	}
	s, damaged, err := analyse(t.Context(), paths)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]describe.Music{}
	for _, r := range s.Recordings {
		got[filepath.Base(r.Path)] = r.Music
	}
	truth := map[string]synth.Song{}
	for _, song := range made() {
		truth[fmt.Sprintf("song-%03dbpm.wav", song.Tempo/1000)] = song
	}
	for _, c := range synth.Shipped {
		truth[c.File] = c.Song
	}
	var duration time.Duration
	for file, song := range truth {
		m, ok := got[file]
		bpm := float64(song.Tempo) / 1000
		if !ok || math.Abs(m.Tempo.BPM/bpm-1) > 0.02 || m.Key.Tonic != song.Tonic || m.Key.Minor != song.Minor {
			t.Errorf("%s: %v, %.1f BPM, want pitch class %d, minor %v, %.0f BPM", file, m.Key, m.Tempo.BPM, song.Tonic, song.Minor, bpm)
		}
		duration += time.Duration(float64(4*song.Bars) * 60 / bpm * float64(time.Second))
	}
	if d := s.Duration - duration; len(got) != 15 || d.Abs() > 20*time.Millisecond {
		t.Errorf("%d recordings of %v in all, want 15 of %v", len(got), s.Duration, duration)
	}
	if want := map[string]int{"major": 9, "minor": 6}; !maps.Equal(s.Modes, want) {
		t.Errorf("modes %v, want %v", s.Modes, want)
	}
	if want := map[int]int{60: 2, 80: 3, 100: 3, 120: 3, 140: 4}; !maps.Equal(s.Tempos, want) {
		t.Errorf("tempos %v, want %v", s.Tempos, want)
	}
	// The nearest pair is that of all pairs.
	for i, a := range s.Recordings {
		for _, b := range s.Recordings[i+1:] {
			if sim := similarity(a, b); sim > s.Similarity {
				t.Errorf("%s and %s are alike by %.3f, more than the %.3f of the summary", a.Path, b.Path, sim, s.Similarity)
			}
		}
	}
	if a, b := s.Alike[0], s.Alike[1]; math.Abs(similarity(s.Recordings[a], s.Recordings[b])-s.Similarity) > 1e-12 {
		t.Errorf("recordings %d and %d are not alike by %.3f", a, b, s.Similarity)
	}
	if s.Missing != 2 || len(damaged) != 2 {
		t.Fatalf("%d are missing, and there are errors %v, want two", s.Missing, damaged)
	}
	for i, want := range []struct{ file, text string }{{"cut-short.wav", "truncated"}, {"shopping-list.wav", "not a WAV file"}} {
		d := damaged[i]
		if d.Task != "audio" || filepath.Base(paths[d.Index[0]]) != want.file || !strings.Contains(d.Err.Error(), want.text) {
			t.Errorf("%q: %v, want %q of %q", paths[d.Index[0]], d, want.text, want.file)
		}
	}
}

func similarity(a, b Recording) float64 {
	return describe.Similarity(describe.Embed(a.Music, describe.Tags(a.Music)), describe.Embed(b.Music, describe.Tags(b.Music)))
}

func TestPipeline(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	runneltest.Check(t, p)
	res := runneltest.ReadOnly(t, p, runnel.Values{"paths": recording.Shipped()})
	s, err := Library.Get(res)
	if err != nil || len(s.Recordings) != 3 || s.Missing != 0 {
		t.Errorf("%d recordings, %d missing, %v; want the 3 clips", len(s.Recordings), s.Missing, err)
	}
	for _, name := range []string{"audio", "key", "features"} {
		if r, _ := res.Report().Task(name); r.Elements == nil || r.Elements.Succeeded != 3 {
			t.Errorf("task %q has elements %+v, want 3", name, r.Elements)
		}
	}
}

func TestSummarize(t *testing.T) {
	slow := describe.Music{Sound: describe.Sound{Duration: time.Second}, Tempo: tempo.Estimate{BPM: 79.6}, Key: tonality.Key{Strength: 1}}
	none := describe.Music{Sound: describe.Sound{Duration: time.Minute}}
	s := summarize([]string{"a", "b", "c", "d"}, runnel.Partial[describe.Music]{
		Values: []describe.Music{slow, {}, none, slow},
		Errs:   map[int]error{1: errors.New("damaged")},
	}, []describe.Embedding{{1, 0}, nil, {0, 1}, {0.8, 0.6}})
	if len(s.Recordings) != 3 || s.Recordings[1].Path != "c" || s.Missing != 1 || s.Duration != 62*time.Second {
		t.Errorf("got %+v", s)
	}
	if !maps.Equal(s.Tempos, map[int]int{80: 2}) || !maps.Equal(s.Modes, map[string]int{"major": 2, "no key": 1}) {
		t.Errorf("tempos %v, modes %v", s.Tempos, s.Modes)
	}
	if s.Alike != [2]int{0, 2} || s.Similarity != 0.8 {
		t.Errorf("alike: %v by %v, want the first and the last by 0.8", s.Alike, s.Similarity)
	}
}

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"15 recordings, 2m13s; 2 files could not be analysed\n",
		"quietest  song-070bpm.wav, -37.",
		"tempo     2 in 60–79 BPM, 3 in 80–99 BPM, 3 in 100–119 BPM, 3 in 120–139 BPM, 4 in 140–159 BPM\nmode      9 in major, 6 in minor\n",
		"cut-short.wav: audio: truncated",
		"shopping-list.wav: audio: not a WAV file",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestNothingToAnalyse(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "a\nb.wav")
	var out bytes.Buffer
	if err := run(t.Context(), []string{missing}, &out); err == nil || err.Error() != "none of 1 files could be analysed" {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(out.String(), `a\nb.wav: audio: `+recording.Cause(notExist(missing)).Error()) {
		t.Errorf("no line for the file in\n%s", &out)
	}
	if err := run(t.Context(), []string{t.TempDir()}, &out); err == nil || !strings.HasPrefix(err.Error(), "no .wav files in ") {
		t.Errorf("an empty folder: error %v", err)
	}
}

func notExist(path string) error {
	_, err := os.Stat(path)
	return err
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{nil, recording.Shipped()} {
		if err := run(ctx, args, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: error %v, want that of the context", args, err)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/runneltest"
)

var update = flag.Bool("update", false, "write the golden file")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// naive counts with a regular expression over the whole text at once.
func naive(text string) Counts {
	c := Counts{}
	for _, w := range regexp.MustCompile(`\pL+('+\pL+)*`).FindAllString(strings.ToLower(text), -1) {
		c[w]++
	}
	return c
}

// The totals are those of other ways to count: a regular expression, and
//
//	sed 's/.*/\L&/' opticks.txt | grep -oP "\p{L}+(?:'+\p{L}+)*" | sort | uniq -c
func TestShippedText(t *testing.T) {
	got, err := count(t.Context(), shipped().lines())
	if err != nil {
		t.Fatal(err)
	}
	if want := naive(opticks); !maps.Equal(got.Counts, want) || got.Words != want.total() {
		t.Errorf("%d words, %d different, want %d and %d", got.Words, len(got.Counts), want.total(), len(want))
	}
	if got.Words != 99176 || len(got.Counts) != 4273 || got.Lines != strings.Count(opticks, "\n") {
		t.Errorf("%d words, %d different, in %d lines", got.Words, len(got.Counts), got.Lines)
	}
	for word, n := range map[string]int{"the": 9820, "of": 5240, "light": 823, "prism": 318, "discover'd": 10} {
		if got.Counts[word] != n {
			t.Errorf("%q: %d times, want %d", word, got.Counts[word], n)
		}
	}
}

// The words of the parts add up to those of the whole, whether counted in a stream
// or in the graph.
func TestPartsAddUp(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	runneltest.Check(t, p)
	res := runneltest.ReadOnly(t, p, runnel.Values{"parts": slices.Collect(shipped().parts())})
	whole, err := Whole.Get(res)
	if err != nil || !maps.Equal(whole, naive(opticks)) {
		t.Errorf("the parts have %d words, %v", whole.total(), err)
	}
	profiles, err := Typical.Get(res)
	if err != nil {
		t.Fatal(err)
	}
	words, names := 0, []string{}
	for _, p := range profiles {
		words += p.Words
		names = append(names, p.Part)
	}
	want := []string{"Front matter", "First book, part I", "First book, part II", "Second book, part I", "Second book, part II", "Second book, part III", "Second book, part IV", "Third book, part I"}
	if words != 99176 || !slices.Equal(names, want) {
		t.Errorf("%d words in %q", words, names)
	}
}

// A stream gives what a loop gives, whatever the lines: counts, and what depends on
// their order.
func TestStreamIsALoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-cÆ'_ ]{0,6}`), 0, 400).Draw(t, "lines")
		want := Tally{Counts: Counts{}}
		for _, line := range lines {
			want.add(splitWords(line))
		}
		got, err := count(context.Background(), slices.Values(lines))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if !maps.Equal(got.Counts, naive(strings.Join(lines, "\n"))) {
			t.Fatalf("%v is not what a regular expression finds", got.Counts)
		}
	})
}

// TestGrowth: a word is new once, in the step of 10,000 in which it comes first.
func TestGrowth(t *testing.T) {
	var lines iter.Seq[string] = func(yield func(string) bool) {
		for range growthStep {
			if !yield("same old") {
				return
			}
		}
		yield("news of the old")
	}
	got, err := count(t.Context(), lines)
	if err != nil || !slices.Equal(got.Growth, []int{2, 0, 3}) {
		t.Errorf("%v, %v, want the first two, then none, then three", got.Growth, err)
	}
}

func TestTypicalWords(t *testing.T) {
	whole := Counts{"the": 100, "prism": 10, "salt": 10, "ray": 20}
	if got := typical(Counts{"the": 10, "prism": 9, "ray": 1}, whole); !slices.Equal(got, []string{"prism"}) {
		t.Errorf("%q, want the one word that is more frequent than in the whole", got)
	}
	if got := typical(Counts{}, whole); len(got) != 0 {
		t.Errorf("%q in an empty part", got)
	}
}

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "output.golden")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%v: the program prints\n%s\nwant\n%s", err, &out, want)
	}
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	one, two := filepath.Join(folder, "one.txt"), filepath.Join(folder, "two.txt")
	for path, text := range map[string]string{one: "to be", two: "or not\nto be"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{one, two}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 lines, 6 words, 4 of them different", "1   be  2", "2   to  2", one + "  2 words", two + "  4 words  not, or"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if err := run(t.Context(), []string{one, filepath.Join(folder, "three.txt")}, &out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that of the file which is not there", err)
	}
	if err := os.WriteFile(two, bytes.Repeat([]byte("a"), 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{two}, &out); err == nil || !strings.HasPrefix(err.Error(), two+": ") {
		t.Errorf("error %v, want one that names the file with the endless line", err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// The text is Newton's alone: no name, licence or trade mark of those who
// distribute it, which would bring their terms along.
func TestTextIsInThePublicDomain(t *testing.T) {
	for _, word := range []string{"gutenberg", "ebook", "e-text", "http", "www.", "licen", "copyright", "trademark", "transcriber", "proofread"} {
		if i := strings.Index(strings.ToLower(opticks), word); i >= 0 {
			t.Errorf("the text has %q at byte %d: take that passage out", word, i)
		}
	}
	if !strings.HasPrefix(opticks, "OPTICKS:\n") || !strings.HasSuffix(opticks, "they corrupted\nthemselves.\n") {
		t.Error("the text does not begin and end as the book does")
	}
}

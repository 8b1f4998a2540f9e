package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"gonum.org/v1/gonum/floats"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/runneltest"
)

var update = flag.Bool("update", false, "write the golden file")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The graph gives what loops give: the same scores to the last bit, and the same
// choice.
func TestSweepIsLoops(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	runneltest.Check(t, p)
	res := runneltest.ReadOnly(t, p, nil)
	scores, err := runnel.Get[[][]float64](res, "score")
	if err != nil {
		t.Fatal(err)
	}
	folds := generate(1, 500).folds(5)
	want := Trial{Score: math.Inf(1)}
	for i, rate := range rates {
		for j, batch := range batches {
			var sum float64
			for _, f := range folds {
				w, err := descend(t.Context(), f.Train, rate, batch)
				if err != nil {
					t.Fatal(err)
				}
				sum += f.Test.meanSquare(w)
			}
			score := math.Sqrt(sum / float64(len(folds)))
			if got := scores[i][j]; math.Float64bits(got) != math.Float64bits(score) {
				t.Errorf("rate %v, batch %d: %v, want %v", rate, batch, got, score)
			}
			if score < want.Score {
				want = Trial{rate, batch, score}
			}
		}
	}
	if best, err := Best.Get(res); err != nil || best != want {
		t.Errorf("best %+v, %v, want %+v", best, err, want)
	}
	if r, _ := res.Report().Task("mean_square"); r.Elements == nil || r.Elements.Succeeded != 10*8*5 {
		t.Errorf("elements %+v, want one for each combination and fold", r.Elements)
	}
}

// What the samples were made with is known: the best weights are near it, and the
// error that is left is the noise.
func TestKnownTruth(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	best, err := Best.Get(res)
	if err != nil {
		t.Fatal(err)
	}
	samples := generate(1, 500)
	learned, err := descend(t.Context(), samples, best.Rate, best.Batch)
	if err != nil {
		t.Fatal(err)
	}
	exact, err := leastSquares(samples)
	if err != nil {
		t.Fatal(err)
	}
	// The standard error of a weight is noise/√500 = 0.022; the largest of nine
	// is hardly ever beyond three and a half of them.
	for name, w := range map[string][]float64{"descent": learned, "least squares": exact} {
		if d := floats.Distance(w, truth, math.Inf(1)); d > 0.08 {
			t.Errorf("%s: weights %.3f, off by %.3f, want %v", name, w, d, truth)
		}
	}
	final, err := Final.Get(res)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(final.LeastSquares/noise-1) > 0.05 || final.Descent < noise*0.95 || final.Descent > final.LeastSquares*1.02 {
		t.Errorf("%+v, want both near the noise of %v", final, noise)
	}
}

// TestFolds: each sample is tested once, and trained with otherwise.
func TestFolds(t *testing.T) {
	s := generate(1, 23)
	tested := map[float64]int{}
	for _, f := range s.folds(5) {
		if len(f.Train.Y)+len(f.Test.Y) != 23 || len(f.Train.X) != len(f.Train.Y) || len(f.Test.X) != len(f.Test.Y) {
			t.Errorf("%d and %d samples, want 23 in all", len(f.Train.Y), len(f.Test.Y))
		}
		for _, y := range f.Test.Y {
			tested[y]++
		}
	}
	for _, y := range s.Y {
		if tested[y] != 1 {
			t.Errorf("the sample that gave %v is tested %d times", y, tested[y])
		}
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
	if err != nil {
		t.Fatal(err)
	}
	sameUpToRounding(t, out.String(), string(want))
}

// The picture in the guide is what the program draws.
func TestPictureIsUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "surface.svg")
	if err := run(t.Context(), []string{path}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("..", "..", "docs", "score-surface.svg"))
	if err != nil {
		t.Fatal(err)
	}
	sameUpToRounding(t, string(got), string(want))
	if t.Failed() {
		t.Log("run go generate in this folder, and look at the picture")
	}
}

var number = regexp.MustCompile(`\d+(\.\d+)?`)

// sameUpToRounding compares texts, and numbers in them with a tolerance of two in
// the third decimal: processors with a fused multiply-add round differently.
func sameUpToRounding(t *testing.T, got, want string) {
	t.Helper()
	if number.ReplaceAllString(got, "0") != number.ReplaceAllString(want, "0") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
		return
	}
	numbers := number.FindAllString(want, -1)
	for i, n := range number.FindAllString(got, -1) {
		a, _ := strconv.ParseFloat(n, 64)
		b, _ := strconv.ParseFloat(numbers[i], 64)
		if math.Abs(a-b) > 0.002 {
			t.Errorf("number %d is %s, want %s, in\n%s", i, n, numbers[i], got)
			return
		}
	}
}

func TestPictureFormats(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "surface.png")
	if err := run(t.Context(), []string{path}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil || img.Bounds().Dx() < 500 || img.Bounds().Dy() < 300 {
		t.Fatalf("picture of %v, %v", img.Bounds(), err)
	}
	colors := map[[3]uint32]bool{}
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			r, g, b, _ := img.At(x, y).RGBA()
			colors[[3]uint32{r, g, b}] = true
		}
	}
	if len(colors) < 50 {
		t.Errorf("%d colours, want a surface of many", len(colors))
	}
	err = run(t.Context(), []string{filepath.Join(folder, "surface.txt")}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "name a file that ends in .svg or .png") {
		t.Errorf("error %v, want one that names formats", err)
	}
	if err := run(t.Context(), []string{filepath.Join(folder, "no", "folder.svg")}, &bytes.Buffer{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that of the folder", err)
	}
	if err := run(t.Context(), []string{"a.svg", "b.svg"}, &bytes.Buffer{}); err == nil {
		t.Error("two arguments are taken")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if _, err := descend(ctx, generate(1, 5), 0.1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("descend: error %v, want that of the context", err)
	}
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
)

// asTool makes the test binary the tool itself: see process_test.go.
const asTool = "RUNNEL_CLI_TEST_TOOL"

func TestMain(m *testing.M) {
	switch os.Getenv(asTool) {
	case "gated":
		Main(gatedPipelines()...)
	case "pipelines":
		Main(pipelines()...)
	}
	goleak.VerifyTestMain(m)
}

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// golden compares with a file, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s\n%s", got, path, want)
	}
}

// Config is an input that is given as JSON.
type Config struct {
	Rate float64  `json:"rate"`
	Tags []string `json:"tags"`
}

var errAlpha = errors.New("alpha is above 1")

// pipelines are those of the tool in most tests.
func pipelines() []*runnel.Pipeline {
	tokens := runnel.NewTask("tokens", runnel.Pure(func(in struct{ Paths []string }) []string {
		return in.Paths
	}), runnel.Describe("reads the files"))
	score := runnel.NewTask("score", func(_ context.Context, in struct {
		Tokens []string
		Alpha  float64 `runnel:",default=0.5"`
		Config Config
		Wait   time.Duration `runnel:",optional"`
		Strict bool          `runnel:",optional"`
	}) (float64, error) {
		if in.Alpha > 1 {
			return 0, errAlpha
		}
		return in.Alpha * float64(len(in.Tokens)), nil
	}, runnel.Describe("weighs them"))
	lengths := runnel.NewMapTask("lengths[i]", runnel.Pure(func(in struct {
		Word string `runnel:"words[i]"`
	}) int {
		return len(in.Word)
	}))
	return []*runnel.Pipeline{
		runnel.NewPipeline(runnel.PipelineName("train")).Add(tokens, score),
		runnel.NewPipeline(runnel.PipelineName("measure")).Add(lengths),
		runnel.NewPipeline(runnel.PipelineName("every type")).Add(everyType),
	}
}

// everyType has an input of each kind of type, and names that are no flags or
// that clash with the flags of run.
var everyType = runnel.NewTask("all", runnel.Pure(func(in kinds) string { return fmt.Sprintf("%+v", in) }))

type kinds struct {
	Text    string
	Count   int8
	Size    uint
	Ratio   float32
	On      bool
	Pause   time.Duration
	Raw     []byte
	Names   []string
	Ratios  []float64
	Pauses  []time.Duration
	Rows    [][]int
	Config  Config
	Configs []Config
	ByName  map[string]int
	Pair    [2]int
	Maybe   *int
	When    time.Time
	Addr    netip.Addr
	Any     any
	Target  string            // the own flag of that name wins
	Odd     string            `runnel:"odd name"`
	Equals  string            `runnel:"a=b"`
	Reader  interface{ X() }  `runnel:",optional"`
	Later   runnel.Opt[int]   `runnel:"later"`
	Labels  map[string]string `runnel:",optional"`
}

// outcome is what a call of a tool came to.
type outcome struct {
	code        int
	out, errors string
}

// called is a call of a tool called mytool.
func called(t *testing.T, stdin string, ps []*runnel.Pipeline, args ...string) outcome {
	t.Helper()
	tool := New(ps...)
	tool.name = "mytool"
	var out, errs bytes.Buffer
	code := tool.Run(t.Context(), args, Streams{strings.NewReader(stdin), &out, &errs})
	return outcome{code, out.String(), errs.String()}
}

func (o outcome) String() string {
	return fmt.Sprintf("exit status %d\n-- standard output\n%s-- standard error\n%s", o.code, o.out, o.errors)
}

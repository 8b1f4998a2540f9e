package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// The texts that people read: help, lists, and what is said of wrong calls.
func TestGoldens(t *testing.T) {
	for name, calls := range map[string][]string{
		"help":       {"--help", "run --help", "run train --help", "run every-type --help", "graph train --help", "sweep train --help", "bench train --help", "completion --help"},
		"list":       {"list", "list --json"},
		"inputs":     {"run train", "run train --alpha x --json --target=score", "run train --alpha 2 --paths a b", "run train --config {\"rat\":1} --paths a", "run train --input alhpa=1 --input alpha --input x --input tokens=1", "run every-type --count 300 --size -1 --on=maybe --pause 3 --maybe x --pair 1 --addr here --ratio=- --text -"},
		"wrong":      {"lsit", "run", "run trian", "run train --alhpa 1", "run train -a", "run train --target scoer --target tokns", "run train --on-error contineu", "run train --progress lively", "run train --timeout -1s --paths a --config {}", "run train --timeout soon", "run train --max-parallel -1 --paths a --config {}", "run train --max-parallel many", "run train --expect go.mod --paths a --config {}", "bench train -n 0", "list x"},
		"sweep":      {"sweep train", "sweep train --grid alhpa=1", "sweep train --grid alpha=1,x --grid paths --grid config=[{}] --grid config={}", "sweep train --grid alpha= --alpha 1", "sweep train --grid alpha=1 --alpha 1 --paths a --config {}", "sweep train --grid alpha=1 --format tabel"},
		"completion": {"__complete run|", "__complete run train --|", "__complete run train --target|", "__complete run train --input|", "__complete run train --on-error|", "__complete run train --strict=|", "__complete sweep train --format|", "__complete graph train --format|"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, line := range calls {
				line, complete := strings.CutSuffix(line, "|")
				args := strings.Fields(line)
				if complete && !strings.HasSuffix(line, "-") && !strings.HasSuffix(line, "=") {
					args = append(args, "")
				}
				fmt.Fprintf(&b, "$ mytool %s\n%s\n", line, called(t, "", pipelines(), args...))
			}
			golden(t, name, b.String())
		})
	}
}

// A pipeline by itself needs no name.
func TestOnePipelineNeedsNoName(t *testing.T) {
	p := pipelines()[1]
	got := called(t, "", []*runnel.Pipeline{p}, "run", "--words", "a", "--words", "bcd", "--progress", "off")
	if want := (outcome{0, "lengths: [1,3]\n", ""}); got != want {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestPipelinesThatDoNotBuild(t *testing.T) {
	good := pipelines()[1]
	broken := runnel.NewPipeline(runnel.PipelineName("broken"))
	for name, c := range map[string]struct {
		ps   []*runnel.Pipeline
		args string
		says string
	}{
		"run":          {[]*runnel.Pipeline{broken}, "run --what ever", "has no tasks"},
		"graph":        {[]*runnel.Pipeline{broken}, "graph", "has no tasks"},
		"one of two":   {[]*runnel.Pipeline{good, broken}, "bench broken", "has no tasks"},
		"list":         {[]*runnel.Pipeline{good, broken}, "list", "has no tasks"},
		"nil":          {[]*runnel.Pipeline{nil}, "run", "pipeline 1 is nil"},
		"none":         {nil, "run", "no pipeline"},
		"the same":     {[]*runnel.Pipeline{good, good}, "run measure-2", "both called \"measure\""},
		"without name": {[]*runnel.Pipeline{good, runnel.NewPipeline().Add(everyType)}, "run pipeline-2", "has no name"},
	} {
		t.Run(name, func(t *testing.T) {
			got := called(t, "", c.ps, strings.Fields(c.args)...)
			if got.code != ExitBuild || !strings.Contains(got.errors, c.says) {
				t.Errorf("%v\nwant exit status %d and %q", got, ExitBuild, c.says)
			}
		})
	}
	// The others go on.
	if got := called(t, "", []*runnel.Pipeline{good, broken}, "run", "measure", "--words", "a", "--progress=off"); got.code != 0 || got.out != "lengths: [1]\n" {
		t.Error(got)
	}
	if got := called(t, "", []*runnel.Pipeline{broken}, "version"); got.code != 0 {
		t.Error(got)
	}
}

package runnel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// Check refuses what a run would, and runs nothing.
func TestCheckSaysWhatARunWouldRefuse(t *testing.T) {
	ran := false
	p, err := runnel.FromTasks(runnel.NewTask("size", runnel.Pure(func(in struct{ Path string }) int {
		ran = true
		return len(in.Path)
	})))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(runnel.Values{"path": "x"}); err != nil {
		t.Errorf("right inputs: %v", err)
	}
	err = p.Check(runnel.Values{"pth": 3}, runnel.MaxParallel(-1))
	if _, ok := errors.AsType[*runnel.InputError](err); !ok {
		t.Fatalf("got %v, want an *InputError", err)
	}
	for _, want := range []string{`"path"`, `"pth"`, "MaxParallel"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %s", err, want)
		}
	}
	if _, ok := errors.AsType[*runnel.BuildError](runnel.NewPipeline().Check(nil)); !ok {
		t.Error("an empty pipeline: want a *BuildError")
	}
	if ran {
		t.Error("a task was run")
	}
}

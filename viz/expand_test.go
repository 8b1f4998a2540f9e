package viz_test

import (
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/viz"
)

// TestJSONOfExpandTasks: a task that fans out has the axes of its inputs and its own.
func TestJSONOfExpandTasks(t *testing.T) {
	pages := runnel.NewExpandTask("pages[i,k]", runnel.Pure(func(in struct {
		Doc string `runnel:"docs[i]"`
	}) []string {
		return strings.Split(in.Doc, "|")
	}))
	p, err := runnel.FromTasks(pages)
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := viz.JSON(&b, g); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(b.String()), ""); !strings.Contains(got, `"axes":["i","k"]`) {
		t.Errorf("the JSON lacks the axes:\n%s", b.String())
	}
}

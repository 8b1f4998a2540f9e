package viz

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/boxes"
)

// writers are the formats that are held against goldens, by the ending of the file.
var writers = map[string]func(io.Writer, *dag.Graph, ...Option) error{
	"svg":  SVG,
	"json": JSON,
	"txt": func(w io.Writer, g *dag.Graph, opts ...Option) error {
		all := []TextOption{}
		for _, o := range opts {
			all = append(all, o)
		}
		return Text(w, g, all...)
	},
}

// TestGoldens holds every format of every sample, without a run and with one,
// against a file that somebody has looked at.
func TestGoldens(t *testing.T) {
	for _, s := range samples(t) {
		g, r := graphOf(t, s.pipeline), runOf(t, s)
		for ending, write := range writers {
			for name, opts := range map[string][]Option{s.name: nil, s.name + ".run": {WithReport(r)}} {
				t.Run(name+"."+ending, func(t *testing.T) {
					var b bytes.Buffer
					if err := write(&b, g, opts...); err != nil {
						t.Fatal(err)
					}
					golden(t, name+"."+ending+".golden", b.Bytes())
				})
			}
		}
	}
}

// TestPNGShowsTheLayout: the image has the size of the SVG, twice, and ink where
// the boxes are.
func TestPNGShowsTheLayout(t *testing.T) {
	for _, s := range samples(t) {
		g, r := graphOf(t, s.pipeline), runOf(t, s)
		var b bytes.Buffer
		if err := PNG(&b, g, WithReport(r)); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		p := newPicture(g, configure([]Option{WithReport(r)}))
		l, _, _, height := p.page()
		scale := float64(img.Bounds().Dy()) / height
		for k := range p.boxes {
			at, fill := moved(l.Boxes[k]), p.boxes[k].paint().fill
			got := img.At(int((at.X+6)*scale), int((at.Y+at.H/2)*scale))
			if cr, cg, cb, _ := got.RGBA(); uint8(cr>>8) != fill.R || uint8(cg>>8) != fill.G || uint8(cb>>8) != fill.B {
				t.Errorf("%s: box %q is filled with %v, want %v", s.name, p.boxes[k].name, got, fill)
			}
		}
	}
}

// TestEveryGlyphIsDrawable: strokes are points on the grid.
func TestEveryGlyphIsDrawable(t *testing.T) {
	for r := rune(' '); r < 0x7f; r++ {
		if _, ok := glyphs[r]; !ok {
			t.Errorf("there is no glyph for %q", r)
		}
	}
	for s := range signs() {
		for _, r := range s {
			if _, ok := glyphs[r]; !ok {
				t.Errorf("there is no glyph for %q, a sign of a state", r)
			}
		}
	}
	for r, strokes := range glyphs {
		for _, stroke := range strings.Fields(strokes) {
			if len(stroke) < 4 || len(stroke)%2 != 0 {
				t.Errorf("%q has the stroke %q, which is no line of points", r, stroke)
			}
			for k, c := range stroke {
				if c < '0' || c > '8' || k%2 == 0 && c > '4' {
					t.Errorf("%q has the stroke %q, which leaves the grid", r, stroke)
				}
			}
		}
	}
}

// FuzzNames: whatever the tasks are called, an SVG is well formed, and JSON gives
// the names back.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"a", `"quoted" 'and' <b>bold</b> & more`, "[brackets] {curly}", "größe 大きさ 🎧👩‍👩‍👧", strings.Repeat("long ", 100), "line\nbreak\ttab\x00\x1b[31m", "\xff\xfe", "]]>", "--><script>"} {
		f.Add(name, "other")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || b == "" || a == b {
			t.Skip("names that the graph refuses")
		}
		g, err := dag.New([]dag.Spec{
			{Name: a, Description: b, Inputs: []dag.Port{{Name: "in " + b}}, Outputs: []dag.Port{{Name: a}}, Path: []string{b}},
			{Name: b, Inputs: []dag.Port{{Name: a}}, Outputs: []dag.Port{{Name: b}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := SVG(&out, g); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(&out)
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("names %q and %q: %v", a, b, err)
			}
		}
		out.Reset()
		if err := JSON(&out, g); err != nil {
			t.Fatal(err)
		}
		var p pictureJSON
		if err := json.Unmarshal(out.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if p.Nodes[0].Name != strings.ToValidUTF8(a, "\ufffd") && !strings.Contains(a, "\ufffd") && strings.ToValidUTF8(a, "") == a {
			t.Errorf("the name %q came back as %q", a, p.Nodes[0].Name)
		}
		out.Reset()
		if err := Text(&out, g, Width(60)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := boxes.Columns(strings.TrimSuffix(line, "\n")); n > 60 {
				t.Errorf("names %q and %q: a line has %d columns of 60", a, b, n)
			}
		}
		if err := PNG(io.Discard, g); err != nil {
			t.Fatal(err)
		}
	})
}

// signs are those of all states.
func signs() map[string]bool {
	all := map[string]bool{}
	for s := range 8 {
		all[sign(runnel.State(s))] = true
	}
	return all
}

// TestAlikeTasksShareABox in a graph that is large enough.
func TestAlikeTasksShareABox(t *testing.T) {
	g := graphOf(t, build(t, fan(200)...))
	p := newPicture(g, configure(nil))
	if len(p.boxes) != 4 { // split, the parts, merge, the input
		t.Fatalf("there are %d boxes, want 4", len(p.boxes))
	}
	group := p.boxes[1]
	if group.kind != groupKind || len(group.tasks) != 200 || group.details() != "×200" {
		t.Errorf("the second box is a %s of %d tasks, %q, want a group of 200", group.kind, len(group.tasks), group.details())
	}
	if p := newPicture(g, configure([]Option{GroupAbove(0)})); len(p.boxes) != 203 {
		t.Errorf("without groups there are %d boxes, want 203", len(p.boxes))
	}
	if p := newPicture(graphOf(t, build(t, random(200)...)), configure(nil)); len(p.boxes) < 150 {
		t.Errorf("a random graph has %d boxes, though few of its tasks are alike", len(p.boxes))
	}
}

// TestBranchesOfOneFormAreGrouped step by step, not only single tasks.
func TestBranchesOfOneFormAreGrouped(t *testing.T) {
	tasks := fan(1)[:1]
	var ends []string
	for k := range 100 {
		a, b := fmt.Sprintf("a%d", k), fmt.Sprintf("b%d", k)
		tasks, ends = append(tasks, step(a, 1, nil, "split"), step(b, 1, nil, a)), append(ends, b)
	}
	tasks = append(tasks, step("end", 1, nil, ends...))
	p := newPicture(graphOf(t, build(t, tasks...)), configure(nil))
	if len(p.boxes) != 5 {
		t.Errorf("there are %d boxes, want 5: split, a ×100, b ×100, end and the input", len(p.boxes))
	}
}

// TestNestedPipelinesFold into one box, and stand in a frame otherwise.
func TestNestedPipelinesFold(t *testing.T) {
	g := graphOf(t, nested(t))
	open := newPicture(g, configure(nil))
	if len(open.clusters) != 1 || open.clusters[0].label != "report" {
		t.Fatalf("the clusters are %+v, want that of report", open.clusters)
	}
	for _, x := range open.boxes {
		if x.name == "report/words" && (x.label != "words" || x.cluster != 0) {
			t.Errorf("the inner task is labelled %q in cluster %d", x.label, x.cluster)
		}
	}
	for _, opts := range [][]Option{{Collapse("report")}, {Collapse()}} {
		p := newPicture(g, configure(opts))
		folded := 0
		for _, x := range p.boxes {
			if x.kind == pipelineKind && x.name == "report" && len(x.tasks) == 2 {
				folded++
			}
		}
		if folded != 1 || len(p.clusters) != 0 || len(p.boxes) != len(open.boxes)-1 {
			t.Errorf("there are %d folded pipelines and %d clusters in %d boxes", folded, len(p.clusters), len(p.boxes))
		}
	}
}

// TestPicturesOfGraphs holds those of the README and of the page about pictures.
func TestPicturesOfGraphs(t *testing.T) {
	g, r := graphOf(t, nightly(t)), reportOfNightly(t)
	var inner sample
	for _, s := range samples(t) {
		if s.name == "nested" {
			inner = s
		}
	}
	for name, write := range map[string]func(io.Writer) error{
		"graph.svg":  func(w io.Writer) error { return SVG(w, g) },
		"run.svg":    func(w io.Writer) error { return SVG(w, g, WithReport(r)) },
		"nested.svg": func(w io.Writer) error { return SVG(w, graphOf(t, inner.pipeline)) },
	} {
		golden(t, "../../docs/pictures/"+name, written(t, write))
	}
	page, err := os.ReadFile("../docs/viz.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := written(t, func(w io.Writer) error { return Text(w, g, WithReport(r)) }); !bytes.Contains(page, want) {
		t.Errorf("docs/viz.md does not show the graph as it is now:\n%s", want)
	}
}

// TestJSONHasItsSchema: no member but those of the documented schema, ids that exist,
// and coordinates within the whole.
func TestJSONHasItsSchema(t *testing.T) {
	for _, s := range samples(t) {
		var b bytes.Buffer
		if err := JSON(&b, graphOf(t, s.pipeline), WithReport(runOf(t, s))); err != nil {
			t.Fatal(err)
		}
		var p struct {
			Nodes []struct {
				ID, Name, Label, Kind, Cluster, Description string
				Axes, Tasks                                 []string
				Level                                       int
				X, Y, Width, Height                         float64
				Run                                         *struct {
					State, Reason    string
					Counts, Elements map[string]int
					Seconds          float64
					Waited           float64 `json:"waited_seconds"`
					Attempts         int
					Critical         bool
				}
			}
			Edges []struct {
				From, To        string
				Data            []string
				After, Critical bool
				Points          [][2]float64
			}
			Levels   [][]string
			Clusters []struct {
				ID, Path, Label, Parent string
				X, Y, Width, Height     float64
			}
			Width, Height float64
			Run           struct {
				Pipeline, State string
				RunID           string `json:"run_id"`
				Seconds         float64
			}
		}
		d := json.NewDecoder(&b)
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		there, levelled := map[string]bool{}, 0
		for _, n := range p.Nodes {
			there[n.ID] = true
			if n.Kind != "input" {
				levelled++
			}
			if n.X < 0 || n.Y < 0 || n.X+n.Width > p.Width+0.2 || n.Y+n.Height > p.Height+0.2 {
				t.Errorf("%s: node %q leaves the picture", s.name, n.Name)
			}
		}
		for _, level := range p.Levels {
			levelled -= len(level)
		}
		if levelled != 0 {
			t.Errorf("%s: levels lack %d tasks", s.name, levelled)
		}
		for _, e := range p.Edges {
			if !there[e.From] || !there[e.To] || len(e.Points) < 2 {
				t.Errorf("%s: edge %+v joins nothing", s.name, e)
			}
		}
		if p.Run.RunID != "sample" {
			t.Errorf("%s: the run is %+v", s.name, p.Run)
		}
	}
}

// TestTextKeepsTheWidth whatever it draws, with and without boxes, and ASCII is that
// alone.
func TestTextKeepsTheWidth(t *testing.T) {
	for _, s := range samples(t) {
		g, r := graphOf(t, s.pipeline), runOf(t, s)
		for _, width := range []int{40, 60, 100, 300} {
			for _, ascii := range []bool{false, true} {
				opts := []TextOption{Width(width), WithReport(r), GroupAbove(0)}
				if ascii {
					opts = append(opts, ASCII())
				}
				text := string(written(t, func(w io.Writer) error { return Text(w, g, opts...) }))
				for line := range strings.Lines(text) {
					line = strings.TrimSuffix(line, "\n")
					if boxes.Columns(line) > width {
						t.Errorf("%s: a line has %d columns of %d: %s", s.name, boxes.Columns(line), width, line)
					}
					if strings.ContainsFunc(line, func(r rune) bool { return ascii && r > '~' }) {
						t.Errorf("%s: not ASCII: %s", s.name, line)
					}
				}
			}
		}
		colored := string(written(t, func(w io.Writer) error { return Text(w, g, WithReport(r), Color(true)) }))
		plain := string(written(t, func(w io.Writer) error { return Text(w, g, WithReport(r)) }))
		if escapes := regexp.MustCompile("\x1b\\[[0-9]*m"); escapes.ReplaceAllString(colored, "") != plain || colored == plain {
			t.Errorf("%s: colours change the text:\n%s", s.name, colored)
		}
	}
	if err := Text(io.Discard, nil, Width(3)); err == nil {
		t.Error("a width of 3 is accepted")
	}
}

// TestForTerminalLeavesFilesPlain.
func TestForTerminalLeavesFilesPlain(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := textConfig{style: textStyle{color: true}}
	if ForTerminal(f).applyText(&c); c.style.color || c.err != nil {
		t.Errorf("a file has colours, or an error: %v", c.err)
	}
}

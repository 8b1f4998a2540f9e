package viz

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// format is one that other programs draw.
type format struct {
	name  string
	write func(io.Writer, *dag.Graph, ...Option) error
}

var formats = []format{{"dot", DOT}, {"mmd", Mermaid}, {"styled.mmd", MermaidStyled}, {"cytoscape.json", Cytoscape}}

func TestFormatsOfTheSamples(t *testing.T) {
	for _, s := range samples(t) {
		g, report := graphOf(t, s.pipeline), runOf(t, s)
		for _, f := range formats {
			for suffix, opts := range map[string][]Option{"": {GroupAbove(0)}, ".run": {GroupAbove(0), WithReport(report)}} {
				var b bytes.Buffer
				if err := f.write(&b, g, opts...); err != nil {
					t.Fatal(err)
				}
				golden(t, s.name+suffix+"."+f.name+".golden", b.Bytes())
			}
		}
	}
}

// Real parsers read the goldens in CI, so one has the names of the fuzz test.
func TestFormatsOfHardNames(t *testing.T) {
	var specs []dag.Spec
	for k, name := range hardNames {
		specs = append(specs, dag.Spec{Name: name, Inputs: []dag.Port{{Name: "in " + name}}, Outputs: []dag.Port{{Name: "data " + name}}})
		if k > 0 {
			specs[k].Inputs = append(specs[k].Inputs, dag.Port{Name: "data " + hardNames[k-1]})
			specs[k].Path = []string{hardNames[k-1]}
		}
	}
	g, err := dag.New(specs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range formats {
		var b bytes.Buffer
		if err := f.write(&b, g); err != nil {
			t.Fatal(err)
		}
		golden(t, "names."+f.name+".golden", b.Bytes())
	}
}

// Groups and folded pipelines are the same boxes in every format.
func TestFormatsGroupAndFoldAlike(t *testing.T) {
	all := samples(t)
	for _, c := range []struct {
		sample string
		opts   []Option
	}{
		{"fan", []Option{GroupAbove(3)}},
		{"nested", []Option{Collapse("report")}},
		{"nested", nil},
		{"random", nil},
	} {
		s := all[slices.IndexFunc(all, func(s sample) bool { return s.name == c.sample })]
		g := graphOf(t, s.pipeline)
		opts := append(c.opts, WithReport(runOf(t, s)))
		p := newPicture(g, configure(opts))
		for _, f := range formats {
			var b bytes.Buffer
			if err := f.write(&b, g, opts...); err != nil {
				t.Fatal(err)
			}
			names, edges := f.read(t, b.Bytes())
			var want []string
			for k := range p.boxes {
				want = append(want, f.want(&p.boxes[k]))
			}
			for k := range p.clusters {
				want = append(want, p.clusters[k].label)
			}
			slices.Sort(names)
			slices.Sort(want)
			if !slices.Equal(names, want) || edges != len(p.edges) {
				t.Errorf("%s of %s has %q and %d edges, want %q and %d", f.name, c.sample, names, edges, want, len(p.edges))
			}
		}
	}
}

// want is what read gives back of a box.
func (f format) want(x *box) string {
	switch f.name {
	case "dot":
		return oneLine(strings.Join(x.texts(), ""))
	case "cytoscape.json":
		return firstLine(string([]rune(x.title()))) // what is no UTF-8 is replaced
	}
	return oneLine(x.title())
}

// read gives back the first lines of all labels, or all in one, and the number of edges.
func (f format) read(t testing.TB, text []byte) (names []string, edges int) {
	t.Helper()
	switch f.name {
	case "dot":
		return readDOT(t, text)
	case "cytoscape.json":
		return readCytoscape(t, text)
	}
	return readMermaid(t, text)
}

func readCytoscape(t testing.TB, text []byte) (names []string, edges int) {
	var got struct {
		Elements struct {
			Nodes []struct {
				Data     struct{ ID, Parent, Label string }
				Classes  string
				Position *struct{ X, Y float64 }
			}
			Edges []struct {
				Data struct{ ID, Source, Target string }
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{"": true}
	for _, n := range got.Elements.Nodes {
		if ids[n.Data.ID] || (n.Position == nil) != (n.Classes == "cluster") {
			t.Fatalf("node %+v", n)
		}
		ids[n.Data.ID] = true
		names = append(names, firstLine(n.Data.Label))
	}
	for _, n := range got.Elements.Nodes {
		if !ids[n.Data.Parent] {
			t.Fatalf("no parent %q", n.Data.Parent)
		}
	}
	for _, e := range got.Elements.Edges {
		if ids[e.Data.ID] || e.Data.Source == "" || e.Data.Target == "" || !ids[e.Data.Source] || !ids[e.Data.Target] {
			t.Fatalf("edge %+v", e)
		}
		ids[e.Data.ID] = true
	}
	return names, len(got.Elements.Edges)
}

func firstLine(s string) string { s, _, _ = strings.Cut(s, "\n"); return s }

// dotTokens cuts a text into the tokens of the DOT language.
var dotTokens = regexp.MustCompile(`^(?:\s+|"(?:[^"\\]|\\.)*"|->|[A-Za-z_][A-Za-z_0-9]*|-?[0-9.]+|[{}\[\]=,;])`)

// readDOT is a parser of the part of the language that DOT writes. What dot
// itself makes of it is checked in CI.
func readDOT(t testing.TB, text []byte) (names []string, edges int) {
	var tokens []string
	for rest := string(text); rest != ""; {
		token := dotTokens.FindString(rest)
		if token == "" {
			t.Fatalf("no token of DOT: %.60q", rest)
		}
		rest = rest[len(token):]
		if strings.TrimSpace(token) != "" {
			tokens = append(tokens, token)
		}
	}
	depth := 0
	for i, token := range tokens {
		switch {
		case token == "{":
			depth++
		case token == "}":
			depth--
		case token == "->":
			edges++
		case token == "label" && tokens[i+1] == "=":
			edge := i > 3 && slices.Contains(tokens[max(0, i-8):i], "->") && !slices.Contains(tokens[max(0, i-8):i], ";")
			if !edge {
				names = append(names, undot(t, tokens[i+2]))
			}
		}
		if depth < 0 || depth == 0 && i != len(tokens)-1 && i > 1 {
			t.Fatalf("brackets do not match at token %d, %q", i, token)
		}
	}
	return names, edges
}

// undot reads a label as Graphviz does, its lines joined.
func undot(t testing.TB, quoted string) string {
	if len(quoted) < 2 || quoted[0] != '"' {
		t.Fatalf("%q is not quoted", quoted)
	}
	return dotPart.ReplaceAllStringFunc(quoted[1:len(quoted)-1], func(part string) string {
		switch part {
		case `\n`:
			return ""
		case `\"`, `\\`:
			return part[1:]
		}
		if part[0] == '\\' {
			t.Fatalf("escape %q", part)
		}
		return html.UnescapeString(part)
	})
}

var (
	dotPart        = regexp.MustCompile(`(?s)\\.|&[a-zA-Z0-9#]+;`)
	mermaidNode    = regexp.MustCompile(`^ *(?:subgraph )?[nc]\d+(?:\[|\[\[|\(\[|\{\{)"([^"]*)"(?:\]|\]\]|\]\)|\}\})$`)
	mermaidEdge    = regexp.MustCompile(`^  n\d+ (?:-->|==>|-\.->)(?:\|"[^"]*"\|)? n\d+$`)
	mermaidOther   = regexp.MustCompile(`^(?:flowchart TD| *end|  classDef [a-z0-9]+ [a-z0-9:#, -]+|  class n\d+(?:,n\d+)* [a-z0-9]+)$`)
	mermaidEntity  = regexp.MustCompile(`#(\d+);`)
	mermaidAllowed = regexp.MustCompile(`^(?:[^\x00-\x7f]|[A-Za-z0-9 _,'!?=/.-]|#\d+;|<br>)*$`)
)

// readMermaid reads what Mermaid writes, line by line. What Mermaid's own parser
// makes of it is checked in CI.
func readMermaid(t testing.TB, text []byte) (names []string, edges int) {
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := mermaidNode.FindStringSubmatch(line); m != nil {
			if !mermaidAllowed.MatchString(m[1]) {
				t.Fatalf("label %q", m[1])
			}
			name, _, _ := strings.Cut(m[1], "<br>")
			names = append(names, mermaidEntity.ReplaceAllStringFunc(name, func(s string) string {
				n, _ := strconv.Atoi(s[1 : len(s)-1])
				return string(rune(n))
			}))
		} else if mermaidEdge.MatchString(line) {
			edges++
		} else if !mermaidOther.MatchString(line) {
			t.Fatalf("line %q", line)
		}
	}
	return names, edges
}

// hardNames are what has a meaning in some format.
var hardNames = []string{
	"plain", `say "hi"`, `a[b](c){d}<e>`, `</title><script>alert(1)</script>`, "größe 数据 данные", "👩‍👩‍👧🚀", "&amp; &#35; #quot; #35;",
	`a;b|c\d\n`, "`e`", "two\nlines\tand a tab", "%%{init: {}}%%", "end", "\x00\x1b[31m", "\xff\xfe", strings.Repeat("long ", 100), "graph", "--> x",
	"1. x", "- x", "style a:b#c;", "classDef x:y#z;", "fa:fa-car", "$$x$$", "@{shape: x}", "ﬂ°°35¶ß", "outer/inner/leaf", "/", "a/", "\\", `\"`,
	"\\N\\G", " ", "'", "\u202egnp.exe",
}

// FuzzFormats gives tasks, data and pipelines any names, and reads them back.
func FuzzFormats(f *testing.F) {
	for _, name := range hardNames {
		f.Add(name, "failed: "+name)
	}
	f.Fuzz(func(t *testing.T, name, reason string) {
		if name == "" {
			return
		}
		g, err := dag.New([]dag.Spec{
			{Name: name, Inputs: []dag.Port{{Name: "in " + name}}, Outputs: []dag.Port{{Name: "data " + name, Axes: []string{"i"}}}, Path: []string{name, "x" + name}},
			{Name: "b", Inputs: []dag.Port{{Name: "data " + name, Axes: []string{"i"}}}, After: []string{name}},
		})
		if err != nil {
			return // another task is named b
		}
		report := &runnel.Report{Pipeline: name, Tasks: []runnel.TaskReport{{Name: name, State: runnel.Failed, Reason: reason}}, CriticalPath: []string{name, "b"}}
		for _, opts := range [][]Option{nil, {WithReport(report)}, {Collapse(name)}} {
			p := newPicture(g, configure(opts))
			for _, f := range formats {
				var b bytes.Buffer
				if err := f.write(&b, g, opts...); err != nil {
					t.Fatal(err)
				}
				names, edges := f.read(t, b.Bytes())
				if edges != len(p.edges) || len(names) != len(p.boxes)+len(p.clusters) {
					t.Fatalf("%s: %d names and %d edges, want %d and %d:\n%s", f.name, len(names), edges, len(p.boxes)+len(p.clusters), len(p.edges), &b)
				}
				for k := range p.boxes {
					want := f.want(&p.boxes[k])
					if !slices.Contains(names, want) {
						t.Fatalf("%s has %q, and not %q:\n%s", f.name, names, want, &b)
					}
				}
			}
		}
	})
}

func TestFormatsOfNothing(t *testing.T) {
	for _, f := range formats {
		var b bytes.Buffer
		if err := f.write(&b, nil); err != nil {
			t.Fatal(err)
		}
		if names, edges := f.read(t, b.Bytes()); len(names) != 0 || edges != 0 {
			t.Errorf("%s of no graph: %s", f.name, &b)
		}
	}
}

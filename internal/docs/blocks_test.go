package docs

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// What the blocks are compiled against. Imported here, so that a cached
	// result of this test does not outlive a change of these packages.
	_ "github.com/runnelflow/runnel"
	_ "github.com/runnelflow/runnel/broker"
	_ "github.com/runnelflow/runnel/dag"
	_ "github.com/runnelflow/runnel/resultcache"
	_ "github.com/runnelflow/runnel/runneltest"
	_ "github.com/runnelflow/runnel/schedule"
	_ "github.com/runnelflow/runnel/viz"
)

// TestCodeBlocks compiles every block of Go in the pages, all of them into one
// program, and runs those that say what they print. The files exist only in an
// overlay of the go command: they see the module as it is, and nothing is
// written into it.
func TestCodeBlocks(t *testing.T) {
	var all []*snippet
	for _, page := range pages(t) {
		if page == "docs/cli.md" {
			continue // of another module, whose tests run it
		}
		for n, b := range blocks(t, page) {
			if b.lang != "go" && b.lang != "prelude" || b.from != "" {
				continue
			}
			if formatted, err := format.Source([]byte(b.text)); err == nil && string(formatted) != b.text {
				t.Errorf("%s:%d: gofmt would write the block as\n%s", b.page, b.line, formatted)
			}
			s, err := newSnippet(b, n)
			if err != nil {
				t.Errorf("%s:%d: the block is no Go: %v", b.page, b.line, err)
				continue
			}
			all = append(all, s)
		}
	}
	binary := compile(t, all)
	for _, s := range all {
		if !s.runs {
			continue
		}
		t.Run(fmt.Sprintf("%s:%d", s.page, s.line), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary, s.pkg+"."+s.fn)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			var lines []string
			for line := range strings.SplitSeq(string(stdout), "\n") {
				lines = append(lines, strings.TrimSpace(line))
			}
			if got := strings.TrimSpace(strings.Join(lines, "\n")); got != s.output {
				t.Errorf("the block prints\n%s\n\nand says\n%s", got, s.output)
			}
		})
	}
}

// compile makes a program of snippets, whose argument is the one to run.
func compile(t *testing.T, all []*snippet) string {
	t.Helper()
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	add := func(name, source string) {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(repository, "internal", "docs", "blocks", filepath.FromSlash(name))] = file
	}
	var header, cases strings.Builder
	imported := map[string]bool{}
	for i, s := range all {
		add(fmt.Sprintf("%s/block%d.go", s.pkg, i), s.source)
		name := "_"
		if s.runs {
			name = s.pkg
			fmt.Fprintf(&cases, "\t%q: %s.%s,\n", s.pkg+"."+s.fn, s.pkg, s.fn)
		}
		if !imported[name+s.pkg] {
			imported[name+s.pkg] = true
			fmt.Fprintf(&header, "import %s \"github.com/runnelflow/runnel/internal/docs/blocks/%s\"\n", name, s.pkg)
		}
	}
	add("main.go", fmt.Sprintf(`package main

import (
	"context"
	"log"
	"os"
)

%s
var blocks = map[string]func(context.Context) error{
%s}

func main() {
	if err := blocks[os.Args[1]](context.Background()); err != nil {
		log.Fatal(err)
	}
}
`, header.String(), cases.String()))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "blocks.exe")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-o", binary, "./internal/docs/blocks")
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the blocks do not compile: %v\n%s", err, out)
	}
	return binary
}

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestGuideNamesEveryFunction holds the guide to its word that it has
// everything: each function of the library stands in it.
func TestGuideNamesEveryFunction(t *testing.T) {
	guide := read(t, "docs/guide.md")
	repository := os.DirFS(root)
	files, err := fs.Glob(repository, "*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := fs.Glob(repository, "runneltest/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range append(files, more...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() {
				continue
			}
			found++
			if !regexp.MustCompile(`\b` + f.Name.Name + `\b`).MatchString(guide) {
				t.Errorf("%s: docs/guide.md does not name %s: say in it what it is for", name, f.Name.Name)
			}
		}
	}
	if found == 0 {
		t.Error("expected functions in the root of the repository, found none")
	}
}

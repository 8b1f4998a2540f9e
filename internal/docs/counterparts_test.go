package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const counterparts = "docs/from-taskiq-flow.md"

// row is a line of one of the tables of counterparts.
type row struct{ theirs, ours, note string }

func rows(t *testing.T) []row {
	t.Helper()
	var found []row
	for line := range strings.SplitSeq(read(t, counterparts), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") || strings.HasPrefix(line, "| Taskiq-Flow |") {
			continue
		}
		if len(cells) != 3 {
			t.Errorf("%s: a row has 3 cells, got %d: %s", counterparts, len(cells), line)
			continue
		}
		found = append(found, row{strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])})
	}
	return found
}

var (
	code   = regexp.MustCompile("`([^`]+)`")
	goName = regexp.MustCompile(`^(runnel|dag|runneltest|viz|schedule)\.[A-Z][A-Za-z.]*$`)
)

// goNames are the names of Go in a cell.
func goNames(cell string) []string {
	var names []string
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		if goName.MatchString(m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

func TestCounterpartsAreThere(t *testing.T) {
	there := exported(t)
	for _, r := range rows(t) {
		names := goNames(r.ours)
		switch {
		case r.ours == "not needed" && r.note == "":
			t.Errorf("%s: %s: say in the note why it is not needed", counterparts, r.theirs)
		case r.ours != "not needed" && len(names) == 0:
			t.Errorf("%s: %s: expected the name of a counterpart such as `runnel.NewTask`, or not needed; got %q", counterparts, r.theirs, r.ours)
		}
		for _, name := range append(names, goNames(r.note)...) {
			if !there[name] {
				t.Errorf("%s: %s: the sources have no %s: correct the name", counterparts, r.theirs, name)
			}
		}
	}
}

// TestEveryNameOfTheirGuideHasARow holds the page against the list of names that
// the dataflow guide of Taskiq-Flow uses.
func TestEveryNameOfTheirGuideHasARow(t *testing.T) {
	var theirs strings.Builder
	for _, r := range rows(t) {
		theirs.WriteString(r.theirs + "\n")
	}
	list, err := os.ReadFile("testdata/taskiq-flow-names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(list)) {
		if !regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(name) + `(\W|$)`).MatchString(theirs.String()) {
			t.Errorf("%s: no row for %s", counterparts, name)
		}
	}
}

// exported are the exported names of the public packages: "dag.Graph",
// "dag.Graph.Levels", "dag.Node.Level".
func exported(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for dir, pkg := range map[string]string{".": "runnel", "dag": "dag", "runneltest": "runneltest", "viz": "viz", "schedule": "schedule"} {
		files, err := fs.Glob(os.DirFS(filepath.Join(root, dir)), "*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				declared(pkg, d, names)
			}
		}
	}
	return names
}

// declared adds the names of a declaration.
func declared(pkg string, d ast.Decl, names map[string]bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := pkg
		if d.Recv != nil {
			name += "." + receiver(d.Recv.List[0].Type)
		}
		names[name+"."+d.Name.Name] = true
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names[pkg+"."+n.Name] = true
				}
			case *ast.TypeSpec:
				names[pkg+"."+s.Name.Name] = true
				for _, f := range parts(s.Type) {
					for _, n := range f.Names {
						names[pkg+"."+s.Name.Name+"."+n.Name] = true
					}
				}
			}
		}
	}
}

// parts are the fields of a struct, or the methods of an interface.
func parts(typ ast.Expr) []*ast.Field {
	switch typ := typ.(type) {
	case *ast.StructType:
		return typ.Fields.List
	case *ast.InterfaceType:
		return typ.Methods.List
	}
	return nil
}

// receiver is the name of a receiver's type.
func receiver(typ ast.Expr) string {
	switch typ := typ.(type) {
	case *ast.StarExpr:
		return receiver(typ.X)
	case *ast.IndexExpr:
		return receiver(typ.X)
	case *ast.IndexListExpr:
		return receiver(typ.X)
	case *ast.Ident:
		return typ.Name
	}
	return ""
}

package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// imports are the packages that a fragment may use without an import.
var imports = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "json": "encoding/json", "log": "log",
	"maps": "maps", "os": "os", "slices": "slices", "slog": "log/slog", "strconv": "strconv", "strings": "strings",
	"testing": "testing", "time": "time",
	"runnel":      "github.com/runnelflow/runnel",
	"broker":      "github.com/runnelflow/runnel/broker",
	"resultcache": "github.com/runnelflow/runnel/resultcache",
	"dag":         "github.com/runnelflow/runnel/dag",
	"runneltest":  "github.com/runnelflow/runnel/runneltest",
	"schedule":    "github.com/runnelflow/runnel/schedule",
	"viz":         "github.com/runnelflow/runnel/viz",
}

// A snippet is a block as a file of Go.
type snippet struct {
	block
	pkg    string // folder and name of its package
	fn     string // function that runs it, empty for declarations
	source string
	output string // what it must print
	runs   bool   // it says what it prints
}

// newSnippet makes a file of block number n of a page.
func newSnippet(b block, n int) (*snippet, error) {
	s := &snippet{block: b, pkg: pageName(b.page), fn: fmt.Sprintf("Block%d", n)}
	s.output, s.runs = wanted(b.text)
	if strings.HasPrefix(b.text, "package ") {
		return s, s.program(n)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+b.text, 0); err == nil {
		s.fn = ""
		return s, s.wrap("", "")
	}
	use, err := used(b.text)
	if err != nil {
		return s, err
	}
	return s, s.wrap(fmt.Sprintf("func %s(ctx context.Context) error {", s.fn), "\n"+use+"\nreturn nil\n}\n")
}

func pageName(page string) string {
	return "page" + regexp.MustCompile(`\W`).ReplaceAllString(strings.TrimSuffix(path.Base(page), ".md"), "")
}

// program makes a package of its own of a block that is a whole file: its main
// is exported, so that one binary can hold every program of the pages.
func (s *snippet) program(n int) error {
	s.pkg = fmt.Sprintf("%s%d", s.pkg, n)
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", s.text, parser.ParseComments)
	if err != nil {
		return err
	}
	text := s.text
	for _, d := range slices.Backward(file.Decls) {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "main" && f.Recv == nil {
			at := fset.Position(f.Name.Pos()).Offset
			text = text[:at] + "run" + text[at+len("main"):]
			// Of the form that bodies have.
			text += fmt.Sprintf("\nfunc %s(context.Context) error { run(); return nil }\n", s.fn)
		}
	}
	at := fset.Position(file.Name.Pos()).Offset
	text = text[:at] + s.pkg + text[at+len(file.Name.Name):]
	s.source = fmt.Sprintf("//line %s:%d\n%s", s.page, s.line, text)
	return nil
}

// wrap puts a fragment between head and tail, and under the imports it needs.
func (s *snippet) wrap(head, tail string) error {
	if head != "" {
		head += "\n"
	}
	body := fmt.Sprintf("%s//line %s:%d\n%s%s", head, s.page, s.line, s.text, tail)
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+body, 0)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", s.pkg)
	done := map[string]bool{}
	for _, id := range file.Unresolved {
		if imported := imports[id.Name]; imported != "" && !done[id.Name] {
			done[id.Name] = true
			fmt.Fprintf(&b, "import %q\n", imported)
		}
	}
	s.source = b.String() + body
	return nil
}

// used is a statement that uses the variables of a body, which its readers see
// in use elsewhere.
func used(body string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+body+"\n}", 0)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, stmt := range file.Decls[0].(*ast.FuncDecl).Body.List {
		if assign, ok := stmt.(*ast.AssignStmt); ok && assign.Tok == token.DEFINE {
			for _, v := range assign.Lhs {
				if name := v.(*ast.Ident).Name; name != "_" {
					fmt.Fprintf(&b, "_ = %s\n", name)
				}
			}
		}
	}
	return b.String(), nil
}

// wanted is what a block says that it prints.
func wanted(text string) (string, bool) {
	_, rest, ok := strings.Cut(text, "// Output:\n")
	if !ok {
		return "", false
	}
	var b strings.Builder
	for line := range strings.SplitSeq(rest, "\n") {
		text, comment := strings.CutPrefix(strings.TrimSpace(line), "//")
		if !comment {
			break
		}
		b.WriteString(strings.TrimSpace(text) + "\n")
	}
	return strings.TrimSpace(b.String()), true
}

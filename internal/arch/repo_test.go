package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A repo is what the rules look at: the sources and modules of a tree.
type repo struct {
	files   []file
	modules []module
	work    *workFile // nil when there is no go.work
	broken  []string  // files that do not parse, each with the reason
}

// A file is one Go source file.
type file struct {
	path      string // from the root of the tree
	module    string // folder of the innermost module around it, "." for the root
	pkg       string // path of its folder below the module's
	name      string // package name, as its first clause says
	lines     int
	generated bool
	test      bool
	imports   []string
	sleeps    []int // lines on which time.Sleep stands; only for tests
}

// A module is one go.mod.
type module struct {
	dir       string // "." for the root
	path      string
	goVersion string
	requires  []string // direct ones only
}

type workFile struct {
	goVersion string
	uses      []string // cleaned, "." for the root
}

// load reads the tree. It leaves out what the go command leaves out: testdata,
// and folders whose names start with a dot or an underscore; and the packages
// of other languages.
func load(tree fs.FS) (*repo, error) {
	r := new(repo)
	var sources []string
	err := fs.WalkDir(tree, ".", func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if p != "." && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case base == "go.mod":
			data, err := fs.ReadFile(tree, p)
			if err != nil {
				return err
			}
			r.modules = append(r.modules, parseModule(path.Dir(p), data))
		case p == "go.work":
			data, err := fs.ReadFile(tree, p)
			if err != nil {
				return err
			}
			r.work = parseWork(data)
		case strings.HasSuffix(base, ".go"):
			sources = append(sources, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range sources {
		data, err := fs.ReadFile(tree, p)
		if err != nil {
			return nil, err
		}
		f, err := parseFile(p, data)
		if err != nil {
			r.broken = append(r.broken, err.Error())
			continue
		}
		f.module = r.moduleOf(p)
		f.pkg = below(path.Dir(p), f.module)
		r.files = append(r.files, f)
	}
	return r, nil
}

// moduleOf returns the folder of the innermost module around a file.
func (r *repo) moduleOf(p string) string {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if slices.ContainsFunc(r.modules, func(m module) bool { return m.dir == dir }) {
			return dir
		}
	}
	return "."
}

// below gives dir's path from the folder of a module around it.
func below(dir, module string) string {
	switch {
	case module == ".":
		return dir
	case dir == module:
		return "."
	default:
		return strings.TrimPrefix(dir, module+"/")
	}
}

func parseFile(p string, data []byte) (file, error) {
	f := file{
		path:  p,
		test:  strings.HasSuffix(p, "_test.go"),
		lines: bytes.Count(data, []byte("\n")),
	}
	mode := parser.ParseComments | parser.SkipObjectResolution
	if !f.test {
		mode |= parser.ImportsOnly
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, p, data, mode)
	if err != nil {
		return file{}, err
	}
	f.name = tree.Name.Name
	f.generated = ast.IsGenerated(tree)
	clock := "" // what the file calls package time
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
		if imported == "time" {
			clock = "time"
			if spec.Name != nil {
				clock = spec.Name.Name
			}
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == clock {
				f.sleeps = append(f.sleeps, set.Position(s.Pos()).Line)
			}
		}
		return true
	})
	return f, nil
}

// directives splits a go.mod or go.work into its directives, one a line with
// the verb in front, blocks unfolded. Comments stay, as a last word each.
func directives(data []byte) [][]string {
	var all [][]string
	block := ""
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "//"):
		case words[0] == ")":
			block = ""
		case block != "":
			all = append(all, append([]string{block}, words...))
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		default:
			all = append(all, words)
		}
	}
	return all
}

func parseModule(dir string, data []byte) module {
	m := module{dir: dir}
	for _, d := range directives(data) {
		switch {
		case len(d) < 2:
		case d[0] == "module":
			m.path = d[1]
		case d[0] == "go":
			m.goVersion = d[1]
		case d[0] == "require" && !slices.Contains(d, "indirect"):
			m.requires = append(m.requires, d[1])
		}
	}
	return m
}

func parseWork(data []byte) *workFile {
	w := new(workFile)
	for _, d := range directives(data) {
		switch {
		case len(d) < 2:
		case d[0] == "go":
			w.goVersion = d[1]
		case d[0] == "use":
			w.uses = append(w.uses, path.Clean(d[1]))
		}
	}
	return w
}

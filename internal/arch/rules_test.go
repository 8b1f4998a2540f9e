package arch

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A rule looks at the tree and says what breaks it.
type rule struct {
	name  string
	check func(r *repo) []string
}

var rules = []rule{
	{"table", func(*repo) []string { return checkTable(layers) }},
	{"parse", func(r *repo) []string { return r.broken }},
	{"layers", checkLayers},
	{"standard library only", checkLinked},
	{"test libraries", checkTestLibraries},
	{"public examples", checkPublicOnly},
	{"package names", checkNames},
	{"file sizes", checkSizes},
	{"sleeps", checkSleeps},
	{"go directives", checkVersions},
	{"workspace", checkWorkspace},
}

// inPackage tells whether an import path is the given package or one below it.
func inPackage(imported, pkg string) bool {
	return imported == pkg || strings.HasPrefix(imported, pkg+"/")
}

// standard tells whether an import path is one of the standard library. The go
// command keeps paths whose first element has no dot for it; "C" is cgo.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return imported != "C" && !strings.Contains(first, ".")
}

// own tells whether an import path lies in the library's module, and gives its
// place there. A path of another module of this repository does not.
func (r *repo) own(imported string) (pkg string, ok bool) {
	if !inPackage(imported, root) || r.otherModule(imported) != "" {
		return "", false
	}
	if imported == root {
		return ".", true
	}
	return strings.TrimPrefix(imported, root+"/"), true
}

// otherModule names the module of this repository, other than the library's,
// in which an import path lies, or "".
func (r *repo) otherModule(imported string) string {
	for _, m := range r.modules {
		if m.dir != "." && inPackage(imported, m.path) {
			return m.path
		}
	}
	return ""
}

// checkTable sees to it that the rows are in order, which is what makes an
// import of a higher layer impossible.
func checkTable(rows []layer) (found []string) {
	above := make(map[string]bool)
	for _, row := range rows {
		if above[row.pkg] {
			found = append(found, fmt.Sprintf("layers: package %q has two rows; keep one", row.pkg))
		}
		for _, p := range row.may {
			if !above[p] {
				found = append(found, fmt.Sprintf("layers: the row of %q names %q, which does not stand above it; a package may import lower layers only, so move the rows or turn the dependency round", row.pkg, p))
			}
		}
		above[row.pkg] = true
	}
	return found
}

func checkLayers(r *repo) (found []string) {
	unknown := make(map[string]bool)
	for _, f := range r.files {
		if f.module != "." {
			continue
		}
		i := slices.IndexFunc(layers, func(l layer) bool { return l.pkg == f.pkg })
		if i < 0 {
			if !unknown[f.pkg] {
				unknown[f.pkg] = true
				found = append(found, fmt.Sprintf("%s: package %q has no layer; add a row to layers in internal/arch/table_test.go, below all that it imports and above all that imports it", f.path, f.pkg))
			}
			continue
		}
		if f.test {
			continue
		}
		for _, imported := range f.imports {
			if pkg, ok := r.own(imported); ok && !slices.Contains(layers[i].may, pkg) {
				found = append(found, fmt.Sprintf("%s: package %q imports %q; its row of layers in internal/arch/table_test.go lets it import only %q. A lower layer never imports a higher one: pass the value in, or move the shared part down", f.path, f.pkg, pkg, layers[i].may))
			}
		}
	}
	return found
}

// links tells whether a file may import a package of another module: that is for the
// one package that links it.
func links(f file, imported string) bool {
	lib := linkedLibraries[f.pkg]
	return lib != "" && inPackage(imported, lib)
}

// checkLinked holds the library to the standard library. Every package of the
// module is held to it, so whatever one of them imports is held to it as well.
func checkLinked(r *repo) (found []string) {
	for _, f := range r.files {
		if f.module != "." || f.test {
			continue
		}
		for _, imported := range f.imports {
			_, own := r.own(imported)
			switch {
			case own || links(f, imported):
			case r.otherModule(imported) != "":
				found = append(found, fmt.Sprintf("%s: imports %q of module %s; the library imports nothing from the other modules of this repository, which build on it", f.path, imported, r.otherModule(imported)))
			case !standard(imported):
				found = append(found, fmt.Sprintf("%s: imports %q; the library links nothing but the standard library, except where linkedLibraries in internal/arch/table_test.go says so. Write the few lines needed, or put the package into a module of its own", f.path, imported))
			case inPackage(imported, "testing") && !strings.HasSuffix(f.pkg, "test"):
				found = append(found, fmt.Sprintf("%s: imports %q; only _test.go files and packages whose name ends in test may, so that no program links the test flags", f.path, imported))
			}
		}
	}
	return found
}

func checkTestLibraries(r *repo) (found []string) {
	allowed := func(imported string) bool {
		return slices.ContainsFunc(testLibraries, func(lib string) bool { return inPackage(imported, lib) })
	}
	for _, f := range r.files {
		if f.module != "." || !f.test {
			continue
		}
		for _, imported := range f.imports {
			if _, own := r.own(imported); !own && !standard(imported) && !allowed(imported) && !links(f, imported) {
				found = append(found, fmt.Sprintf("%s: imports %q; the library's tests may use only %q beside the standard library (testLibraries in internal/arch/table_test.go)", f.path, imported, testLibraries))
			}
		}
	}
	for _, m := range r.modules {
		for _, required := range m.requires {
			linked := slices.Contains(slices.Collect(maps.Values(linkedLibraries)), required)
			if m.dir == "." && !allowed(required) && !linked {
				found = append(found, fmt.Sprintf("go.mod: requires %s; beside linkedLibraries the library's module requires only test libraries, %q (testLibraries in internal/arch/table_test.go)", required, testLibraries))
			}
		}
	}
	return found
}

func checkPublicOnly(r *repo) (found []string) {
	for _, f := range r.files {
		if !slices.Contains(publicOnly, f.module) {
			continue
		}
		for _, imported := range f.imports {
			if inPackage(imported, root+"/internal") {
				found = append(found, fmt.Sprintf("%s: imports %q; users copy from %s, and cannot import the library's internal packages: use the public face", f.path, imported, f.module))
			}
		}
	}
	return found
}

func checkNames(r *repo) (found []string) {
	seen := make(map[string]bool)
	for _, f := range r.files {
		dir := path.Dir(f.path)
		for _, name := range []string{path.Base(dir), strings.TrimSuffix(f.name, "_test")} {
			if slices.Contains(vagueNames, name) && !seen[dir] {
				seen[dir] = true
				found = append(found, fmt.Sprintf("%s: a package or folder named %q says nothing of what it holds; name it for its subject", f.path, name))
			}
		}
	}
	return found
}

func checkSizes(r *repo) (found []string) {
	for _, f := range r.files {
		if !f.test && !f.generated && f.lines > maxLines {
			found = append(found, fmt.Sprintf("%s: has %d lines; a file has at most %d. Split it by concept, each file named for one", f.path, f.lines, maxLines))
		}
	}
	return found
}

func checkSleeps(r *repo) (found []string) {
	for _, f := range r.files {
		if slices.Contains(f.imports, "testing/synctest") {
			continue
		}
		for _, line := range f.sleeps {
			if f.test {
				found = append(found, fmt.Sprintf("%s:%d: a test uses time.Sleep outside testing/synctest; wait for the event itself, or run the test in a synctest bubble, where time is virtual, and keep the two in one file", f.path, line))
			}
		}
	}
	return found
}

func checkVersions(r *repo) (found []string) {
	for _, m := range r.modules {
		if m.goVersion != goVersion {
			found = append(found, fmt.Sprintf("%s: says go %s; every module says go %s, the oldest release that is supported", path.Join(m.dir, "go.mod"), m.goVersion, goVersion))
		}
	}
	if r.work != nil && r.work.goVersion != goVersion {
		found = append(found, fmt.Sprintf("go.work: says go %s; it says go %s, as the modules do", r.work.goVersion, goVersion))
	}
	return found
}

func checkWorkspace(r *repo) (found []string) {
	if r.work == nil {
		return []string{"go.work: is missing; it ties the modules together, so that go test work runs everything"}
	}
	for _, m := range r.modules {
		if want := root + strings.TrimPrefix("/"+m.dir, "/."); m.path != want {
			found = append(found, fmt.Sprintf("%s: names module %q; its place in the repository makes it %q", path.Join(m.dir, "go.mod"), m.path, want))
		}
		used := slices.Contains(r.work.uses, m.dir)
		outside := slices.Contains(outsideWorkspace, m.dir)
		switch {
		case used && outside:
			found = append(found, fmt.Sprintf("go.work: uses ./%s; that module stays out, so that a newcomer's test run does not fetch what only it needs", m.dir))
		case !used && !outside:
			found = append(found, fmt.Sprintf("go.work: does not use ./%s; add it, or name the module in outsideWorkspace in internal/arch/table_test.go", m.dir))
		}
	}
	return found
}

package wfformat

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes a repository, a folder inside it, and the instances beside it.
func tree(t *testing.T) (inside, instances string) {
	t.Helper()
	// The working directory comes back without symbolic links.
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inside = filepath.Join(base, "repo", "internal", "deep")
	instances = filepath.Join(base, "shared", "wfinstances")
	for _, dir := range []string{inside, filepath.Join(instances, "dax")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(base, "repo", "go.work"))
	return inside, instances
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFindWalksUpToTheRepository(t *testing.T) {
	t.Setenv(EnvDir, "")
	inside, instances := tree(t)
	t.Chdir(inside)
	if dir, ok := Find(); !ok || dir != instances {
		t.Errorf("got %q, %v; want %q", dir, ok, instances)
	}
	if err := os.RemoveAll(instances); err != nil {
		t.Fatal(err)
	}
	if dir, ok := Find(); ok {
		t.Errorf("with the folder gone: got %q", dir)
	}
}

func TestFindTrustsTheVariable(t *testing.T) {
	t.Setenv(EnvDir, filepath.Join("no", "such", "folder"))
	dir, ok := Find()
	if !ok {
		t.Fatal("got not found; a wrong variable must fail the test that loads, not silence it")
	}
	if _, err := Instances(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names %q", err, dir)
	}
}

func TestInstances(t *testing.T) {
	_, dir := tree(t)
	if _, err := Instances(dir); err == nil || !strings.Contains(err.Error(), "found none") {
		t.Errorf("empty folder: got %v", err)
	}
	for _, name := range []string{"b.json", "a.json.gz", "LICENSE.md", "dax/c.json", "notes.gz"} {
		write(t, filepath.Join(dir, name))
	}
	got, err := Instances(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range []string{"a.json.gz", "b.json", "dax/c.json"} {
		want = append(want, filepath.Join(dir, name))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

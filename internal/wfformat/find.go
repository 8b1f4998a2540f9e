package wfformat

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// EnvDir names the environment variable that says where the instances lie.
const EnvDir = "RUNNEL_WFINSTANCES"

// Find locates the folder of recorded instances: the one that the environment
// variable [EnvDir] names, else shared/wfinstances beside the repository, whose
// root is the nearest folder with a go.work, upwards from the working
// directory. ok is false when there is none, and a test then does without. A
// folder named by the variable is returned unseen, so that a wrong one fails
// the test that reads it instead of silencing it.
func Find() (dir string, ok bool) {
	if dir = os.Getenv(EnvDir); dir != "" {
		return dir, true
	}
	at, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			dir = filepath.Join(filepath.Dir(at), "shared", "wfinstances")
			info, err := os.Stat(dir)
			return dir, err == nil && info.IsDir()
		}
		up := filepath.Dir(at)
		if up == at {
			return "", false
		}
		at = up
	}
}

// Instances lists the paths of the workflow files under dir, those that end in
// .json or .json.gz, sorted by path. A folder without any is an error.
func Instances(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && (strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".json.gz")) {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("wfformat: list instances: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("wfformat: list instances: expected .json or .json.gz files under %s, found none", dir)
	}
	return paths, nil
}

package runneltest

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a test that keeps its errors instead of failing.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// expect holds the errors of r against one set of words each.
func (r *recorder) expect(t *testing.T, want ...[]string) {
	t.Helper()
	if len(r.errors) != len(want) {
		t.Fatalf("got %d errors, want %d:\n%s", len(r.errors), len(want), strings.Join(r.errors, "\n"))
	}
	for i, words := range want {
		for _, word := range words {
			if !strings.Contains(r.errors[i], word) {
				t.Errorf("error %d does not say %q:\n%s", i+1, word, r.errors[i])
			}
		}
	}
}

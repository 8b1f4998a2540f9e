package runnel_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/runnelflow/runnel"
)

// underLimit names the environment variable that makes a process of these tests the one
// that runs under a limit on its memory.
const underLimit = "RUNNEL_TEST_UNDER_LIMIT"

const (
	limitMB   = 300 // that the process may map beyond what it has at its start
	eachMB    = 60
	takersOf  = 12 // tasks
	fitAtOnce = 4  // of them, in 80 % of the limit
)

// TestTasksThatTakeWhatTheyDeclareStayBelowTheLimit: in a process that may map 300 MB,
// twelve tasks map 60 MB each and write to all of it. With a budget four do so at once,
// and all succeed; without one all twelve do, and the kernel refuses most of them.
func TestTasksThatTakeWhatTheyDeclareStayBelowTheLimit(t *testing.T) {
	if mode := os.Getenv(underLimit); mode != "" {
		takeMemory(t, mode == "aware")
		return
	}
	for mode, least := range map[string]int{"aware": 0, "free": takersOf - limitMB/eachMB} {
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), program, "-test.run", "^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), underLimit+"="+mode)
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", mode, err, out)
		}
		_, rest, found := strings.Cut(string(out), refusals)
		var refused int
		if _, err := fmt.Sscan(rest, &refused); !found || err != nil {
			t.Fatalf("%s: expected how many were refused, found\n%s", mode, out)
		}
		if refused < least || least == 0 && refused > 0 {
			t.Errorf("%s: %d were refused, expected %d, or more where it is not 0", mode, refused, least)
		}
	}
}

// refusals begins the line that tells how many the kernel refused.
const refusals = "the kernel refused "

// takeMemory runs the tasks under the limit, and prints how many the kernel refused.
func takeMemory(t *testing.T, aware bool) {
	start := mappedBytes(t)
	limit := uint64(start + limitMB*1_000_000)
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	m := &meeting{of: takersOf}
	opts := []runnel.RunOption{runnel.OnError(runnel.ContinueOnError)}
	if aware {
		m.of = fitAtOnce
		opts = append(opts, runnel.ResourceAware(runnel.Budget{MaxCPUPercent: 100, MinParallel: fitAtOnce, Machine: runnel.Resources{MemoryMB: limitMB}}))
	}
	var tasks []runnel.AnyTask
	take := runnel.NewTask("take", func(context.Context, struct{}) (int, error) {
		block, err := syscall.Mmap(-1, 0, eachMB*1_000_000, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err == nil {
			for k := 0; k < len(block); k += os.Getpagesize() {
				block[k] = 1
			}
		}
		m.wait() // so that all that can be there at once are
		if err != nil {
			return 0, err
		}
		return len(block), syscall.Munmap(block)
	}, runnel.Needs(runnel.Resources{MemoryMB: eachMB}))
	for i := range takersOf {
		tasks = append(tasks, take.As(fmt.Sprint("take ", i)))
	}
	res, err := pipelineOf(t, tasks...).Run(t.Context(), nil, opts...)
	refused := res.Report().Totals.Failed
	if (err == nil) != (refused == 0) || err != nil && !errors.Is(err, syscall.ENOMEM) {
		t.Errorf("%d were refused, with %v", refused, err)
	}
	if r := res.Report().Resources; aware && r.Peak.MemoryMB != fitAtOnce*eachMB {
		t.Errorf("%v MB were admitted at once, want %d", r.Peak.MemoryMB, fitAtOnce*eachMB)
	}
	fmt.Println(refusals, refused)
}

// mappedBytes is what the limit on data counts.
func mappedBytes(t *testing.T) int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kB int64
		if n, _ := fmt.Sscanf(s.Text(), "VmData: %d kB", &kB); n == 1 {
			return kB * 1024
		}
	}
	t.Fatal("/proc/self/status has no VmData")
	return 0
}

// meeting lets tasks go on together, so many at a time.
type meeting struct {
	of       int
	mu       sync.Mutex
	here     int
	together chan struct{}
}

func (m *meeting) wait() {
	m.mu.Lock()
	if m.together == nil {
		m.together = make(chan struct{})
	}
	now := m.together
	if m.here++; m.here == m.of {
		m.here, m.together = 0, nil
		close(now)
	}
	m.mu.Unlock()
	<-now
}

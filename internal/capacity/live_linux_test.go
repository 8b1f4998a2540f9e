package capacity

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The machine that the tests run on, whichever it is.
func TestThisMachine(t *testing.T) {
	got := Read()
	if got.CPUs <= 0 || got.CPUs > float64(runtime.NumCPU()) {
		t.Errorf("%v CPUs (%s) where there are %d processors", got.CPUs, got.CPUSource, runtime.NumCPU())
	}
	if got.Memory <= 0 || got.Memory == Unknown {
		t.Errorf("memory: %d bytes (%s)", got.Memory, got.MemorySource)
	}
	for _, source := range []string{got.CPUSource, got.MemorySource} {
		if strings.Contains(source, "expected") {
			t.Errorf("a file of this kernel was not understood: %s", source)
		}
	}
	m := NewMeter()
	defer m.Close()
	for range 2 {
		load := m.Load()
		if load.MemoryAvailable <= 0 || load.MemoryAvailable == Unknown || load.CPUPressure < 0 || load.CPUPressure > 1 {
			t.Errorf("load: %+v", load)
		}
	}
}

// A limit that the kernel keeps is the one that is read: a process of its own sets it.
func TestRealResourceLimit(t *testing.T) {
	const more, mapped = 512 << 20, 100 << 20
	if os.Getenv("CAPACITY_TEST_LIMITED") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRealResourceLimit$", "-test.v")
		cmd.Env = append(os.Environ(), "CAPACITY_TEST_LIMITED=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestRealResourceLimit") {
			t.Errorf("the process with a limit: %v\n%s", err, out)
		}
		return
	}
	// The race detector maps terabytes for itself, so the limit starts from what there is.
	data, found, err := value(&tree{root: os.DirFS("/")}, statusFile, parseData)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	limit := uint64(data) + more
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	machine := Read()
	if uint64(machine.Memory) > limit || uint64(machine.Memory) == limit && machine.MemorySource != "RLIMIT_DATA" {
		t.Errorf("memory: got %d bytes (%s), want at most the limit of %d", machine.Memory, machine.MemorySource, limit)
	}
	m := NewMeter()
	defer m.Close()
	before := m.Load()
	region, err := syscall.Mmap(-1, 0, mapped, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	after := m.Load()
	if err := syscall.Munmap(region); err != nil {
		t.Fatal(err)
	}
	// The runtime maps and releases some for itself: the figures are near these.
	if before.MemoryAvailable > more+more/2 || after.MemoryAvailable > before.MemoryAvailable-mapped/2 {
		t.Errorf("available: %d bytes, and %d with %d more mapped, where the limit left %d", before.MemoryAvailable, after.MemoryAvailable, mapped, more)
	}
	if _, err := syscall.Mmap(-1, 0, 2*more, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE); err == nil {
		t.Error("the kernel did not keep the limit")
	}
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		Read()
	}
}

func BenchmarkLoad(b *testing.B) {
	m := NewMeter()
	defer m.Close()
	for b.Loop() {
		m.Load()
	}
}

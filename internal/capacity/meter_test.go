package capacity

import (
	"os"
	"path/filepath"
	"testing"
)

// onDisk copies a layout into a directory, and returns a host that reads it there and the
// function that writes to a file of it in place, as the kernel does.
func onDisk(t *testing.T, name string) (host, func(file, text string)) {
	t.Helper()
	dir := t.TempDir()
	files := layout(t, name)
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	h := hostOf(files, 8)
	h.root = os.DirFS(dir)
	return h, func(file, text string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func checkLoad(t *testing.T, when string, m *Meter, want Load) {
	t.Helper()
	if got := m.Load(); got != want {
		t.Errorf("%s: got %+v, want %+v", when, got, want)
	}
}

func TestMeterFollows(t *testing.T) {
	h, write := onDisk(t, "docker-v2")
	m := h.meter()
	defer m.Close()
	checkLoad(t, "at first", m, Load{176 << 20, 0.1115})
	write("sys/fs/cgroup/memory.current", "209715200\n")
	write("sys/fs/cgroup/cpu.pressure", "some avg10=50.00 avg60=0.00 avg300=0.00 total=1\n")
	checkLoad(t, "more in use", m, Load{76 << 20, 0.5})
	write("sys/fs/cgroup/memory.max", "134217728\n")
	checkLoad(t, "a limit below the use", m, Load{0, 0.5})
	write("sys/fs/cgroup/memory.max", "max\n")
	checkLoad(t, "the limit gone", m, Load{21000000 << 10, 0.5})
	write("sys/fs/cgroup/memory.high", "314572800\n")
	checkLoad(t, "another limit", m, Load{120 << 20, 0.5})
	write("proc/meminfo", "MemAvailable: 1024 kB\n")
	checkLoad(t, "the host full", m, Load{1 << 20, 0.5})
	m.Close()
	checkLoad(t, "closed and opened again", m, Load{1 << 20, 0.5})
}

// A source that breaks is looked for again, and is left out where it is not found.
func TestMeterFindsAgain(t *testing.T) {
	h, write := onDisk(t, "docker-v2")
	m := h.meter()
	defer m.Close()
	checkLoad(t, "at first", m, Load{176 << 20, 0.1115})

	write("proc/self/cgroup", "0::/moved\n")
	write("sys/fs/cgroup/moved/memory.max", "33554432\n")
	write("sys/fs/cgroup/moved/memory.current", "0\n")
	write("sys/fs/cgroup/moved/memory.stat", "inactive_file 0\n")
	write("sys/fs/cgroup/memory.current", "")
	checkLoad(t, "the process was moved, and its former group is gone", m, Load{32 << 20, 0.1115})

	write("sys/fs/cgroup/cpu.pressure", "")
	checkLoad(t, "no pressure of the group", m, Load{32 << 20, 0.71})
	write("proc/pressure/cpu", "")
	checkLoad(t, "no pressure of the host", m, Load{32 << 20, 0.5})
	write("proc/loadavg", "")
	checkLoad(t, "no load average", m, Load{32 << 20, 0})
	write("proc/meminfo", "")
	write("sys/fs/cgroup/moved/memory.stat", "")
	checkLoad(t, "nothing left", m, Load{Unknown, 0})
}

// Memory that the runtime holds and does not use is there for the next task.
func TestMeterCountsTheFreeHeap(t *testing.T) {
	h := hostOf(layout(t, "docker-v2"), 8)
	h.heap = func() (free, released int64) { return 10 << 20, 100 << 20 }
	m := h.meter()
	defer m.Close()
	checkLoad(t, "free memory is in use for the group", m, Load{186 << 20, 0.1115})

	h = hostOf(layout(t, "ulimit"), 8)
	h.heap = func() (free, released int64) { return 10 << 20, 100 << 20 }
	m = h.meter()
	defer m.Close()
	checkLoad(t, "released memory is still mapped", m, Load{410 << 20, 0})
}

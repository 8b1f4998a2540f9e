package capacity

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"
)

// anywhere is a tree that has the same few files in each directory, so that a fuzzed path
// leads to some.
type anywhere map[string]string

func (a anywhere) Open(name string) (fs.File, error) {
	base := path.Base(name)
	text, ok := a[base]
	if !ok || !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return fstest.MapFS{base: {Data: []byte(text)}}.Open(base)
}

// Whatever the files say, there is a machine and a load that make sense.
func FuzzRead(f *testing.F) {
	f.Add("0::/a/b\n", "33 32 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "50000 100000\n", "max\n",
		"inactive_file 1\nhierarchical_memory_limit 4096\n", "MemTotal: 10 kB\nMemAvailable: 5 kB\n",
		"some avg10=11.15 avg60=9.82\n", "12.00 9.80 7.42 9/1843 30211\n", "Max data size 5 5 bytes\nMax address space 6 6 bytes\n",
		"VmSize: 5 kB\nVmData: 4 kB\nCpus_allowed_list:\t0-3\n")
	f.Add("4:memory:/a\n1:cpu:/\n", "1 2 0:1 /\\040 /m\\134 rw - cgroup cgroup rw,memory,cpu\n", "150000\n", "4096\n",
		"total_inactive_file 9\n", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, members, mounts, quota, limit, stat, meminfo, pressure, load, limits, status string) {
		const processors = 4
		h := hostOf(nil, processors)
		h.root = anywhere{
			"cgroup": members, "mountinfo": mounts, "cpu.max": quota, "cpu.cfs_quota_us": quota, "cpu.cfs_period_us": "100000",
			"memory.max": limit, "memory.high": limit, "memory.limit_in_bytes": limit, "memory.current": limit,
			"memory.usage_in_bytes": limit, "memory.stat": stat, "meminfo": meminfo, "cpu.pressure": pressure, "cpu": pressure,
			"loadavg": load, "limits": limits, "status": status,
		}
		machine := h.read()
		if !(machine.CPUs > 0 && machine.CPUs <= processors) || machine.Memory <= 0 || machine.CPUSource == "" || machine.MemorySource == "" {
			t.Errorf("machine: got %+v", machine)
		}
		m := h.meter()
		defer m.Close()
		first := m.Load()
		if first.MemoryAvailable < 0 || !(first.CPUPressure >= 0 && first.CPUPressure <= 1) {
			t.Errorf("load: got %+v", first)
		}
		if second := m.Load(); second != first {
			t.Errorf("load of the same files: got %+v, then %+v", first, second)
		}
	})
}

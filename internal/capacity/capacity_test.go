package capacity

import (
	"testing"
	"testing/fstest"
)

func TestLayouts(t *testing.T) {
	const (
		mib         = 1 << 20
		passedOver  = "; passed over "
		noGroups    = passedOver + "/proc/self/cgroup: file does not exist"
		noMounts    = passedOver + "/proc/self/mountinfo: file does not exist"
		pod         = "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod3a1c.slice/"
		userSlice   = "/sys/fs/cgroup/user.slice/user-1000.slice/"
		noMembers   = `/proc/self/cgroup: expected hierarchy:controllers:/path, found "no colons"`
		noMount     = `/proc/self/mountinfo: expected a mount, found "33 32 0:28"`
		noTotal     = `/proc/meminfo: expected a number after MemTotal:, found "many"`
		noProcessor = `/proc/self/status: expected a list of processors such as 0-3,8, found "7-0"`
	)
	for _, c := range []struct {
		layout     string
		processors int
		machine    Machine
		load       Load
	}{
		{"docker-v1", 8, Machine{
			CPUs: 1.5, CPUSource: "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us",
			Memory: 512 * mib, MemorySource: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
		}, Load{MemoryAvailable: (512 - 300 + 50) * mib, CPUPressure: 0.5}},
		{"docker-v2", 8, Machine{
			CPUs: 0.5, CPUSource: "/sys/fs/cgroup/cpu.max",
			Memory: 256 * mib, MemorySource: "/sys/fs/cgroup/memory.max",
		}, Load{MemoryAvailable: (256 - 100 + 20) * mib, CPUPressure: 0.1115}},
		{"kubernetes-v1", 8, Machine{
			CPUs: 3, CPUSource: "Cpus_allowed_list in /proc/self/status",
			Memory: 1024 * mib, MemorySource: "/sys/fs/cgroup/memory/memory.stat",
		}, Load{MemoryAvailable: (1024 - 200) * mib}},
		{"kubernetes-v2", 16, Machine{
			CPUs: 2.5, CPUSource: pod + "cpu.max",
			Memory: 3072 * mib, MemorySource: pod + "memory.max",
		}, Load{MemoryAvailable: 60129542144 - 60022480896, CPUPressure: 0.025}},
		{"systemd-v2", 8, Machine{
			CPUs: 3, CPUSource: userSlice + "cpu.max",
			Memory: 6 * 1024 * mib, MemorySource: userSlice + "memory.high",
		}, Load{MemoryAvailable: 1024 * mib, CPUPressure: 0.33}},
		{"hybrid", 4, Machine{
			CPUs: 4, CPUSource: "the processors of the affinity mask",
			Memory: 2048 * mib, MemorySource: "/sys/fs/cgroup/memory/slurm/uid_1000/job_123/step_0/memory.stat",
		}, Load{MemoryAvailable: 1024 * mib, CPUPressure: 0.2}},
		{"host", 8, Machine{
			CPUs: 8, CPUSource: "the processors of the affinity mask",
			Memory: 16303428 * 1024, MemorySource: "/proc/meminfo",
		}, Load{MemoryAvailable: 8151714 * 1024, CPUPressure: 0.5}},
		{"ulimit", 8, Machine{
			CPUs: 8, CPUSource: "the processors of the affinity mask" + noGroups,
			Memory: 400 * mib, MemorySource: "RLIMIT_AS" + noGroups,
		}, Load{MemoryAvailable: 300 * mib}},
		{"moved", 8, Machine{
			CPUs: 2, CPUSource: "/mnt/control groups/cpu.max",
			Memory: 1024 * mib, MemorySource: "/mnt/control groups/memory.max",
		}, Load{MemoryAvailable: 1024 * mib}},
		{"unmounted", 8, Machine{
			CPUs: 3, CPUSource: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us" + noMounts,
			Memory: 1024 * mib, MemorySource: "/sys/fs/cgroup/memory/memory.limit_in_bytes" + noMounts,
		}, Load{MemoryAvailable: 1_000_000_000}},
		{"malformed", 8, Machine{
			CPUs:         3,
			CPUSource:    "/sys/fs/cgroup/a/cpu.max" + passedOver + noMembers + ", " + noMount + ", " + noProcessor + " and 1 more",
			Memory:       1024 * mib,
			MemorySource: "/sys/fs/cgroup/a/memory.max" + passedOver + noMembers + ", " + noMount + ", " + noTotal + " and 3 more",
		}, Load{MemoryAvailable: 1024 * mib}},
	} {
		t.Run(c.layout, func(t *testing.T) {
			h := hostOf(layout(t, c.layout), c.processors)
			if got := h.read(); got != c.machine {
				t.Errorf("machine:\n got %+v\nwant %+v", got, c.machine)
			}
			m := h.meter()
			defer m.Close()
			if got := m.Load(); got != c.load {
				t.Errorf("load: got %+v, want %+v", got, c.load)
			}
		})
	}
}

func TestNothingToRead(t *testing.T) {
	h := hostOf(fstest.MapFS{}, 2)
	const missing = "; passed over /proc/self/cgroup: file does not exist"
	want := Machine{
		CPUs:         2,
		CPUSource:    "the processors of the affinity mask" + missing,
		Memory:       Unknown,
		MemorySource: "no source tells it" + missing + ", /proc/meminfo: file does not exist",
	}
	if got := h.read(); got != want {
		t.Errorf("machine:\n got %+v\nwant %+v", got, want)
	}
	m := h.meter()
	defer m.Close()
	if got, want := m.Load(), (Load{MemoryAvailable: Unknown}); got != want {
		t.Errorf("load: got %+v, want %+v", got, want)
	}
}

// Where a system tells its memory by a call, there are no files.
func TestOtherSystems(t *testing.T) {
	h := hostOf(nil, 4)
	h.root = nil
	h.physical = func() (int64, int64, string) { return 8000, 3000, "a call" }
	if got, want := h.read(), (Machine{4, 8000, "the processors of the affinity mask", "a call"}); got != want {
		t.Errorf("machine: got %+v, want %+v", got, want)
	}
	h.heap = func() (int64, int64) { return 500, 7 }
	if got, want := h.meter().Load(), (Load{MemoryAvailable: 3500}); got != want {
		t.Errorf("load: got %+v, want %+v", got, want)
	}
	h.physical = func() (int64, int64, string) { return Unknown, Unknown, "" }
	if got, want := h.read(), (Machine{4, Unknown, "the processors of the affinity mask", "no source tells it"}); got != want {
		t.Errorf("machine: got %+v, want %+v", got, want)
	}
	if got, want := h.meter().Load(), (Load{MemoryAvailable: Unknown}); got != want {
		t.Errorf("load: got %+v, want %+v", got, want)
	}
}

// What was asked of the runtime holds where it is less than the machine has.
func TestRuntimeLimits(t *testing.T) {
	h := hostOf(layout(t, "docker-v1"), 8)
	h.maxProcs, h.memoryLimit = 2, 1<<30
	got := h.read()
	if got.CPUs != 1.5 || got.Memory != 512<<20 {
		t.Errorf("limits above those of the container: got %+v", got)
	}
	h.maxProcs, h.memoryLimit = 1, 100<<20
	got = h.read()
	if want := (Machine{1, 100 << 20, "GOMAXPROCS", "GOMEMLIMIT"}); got != want {
		t.Errorf("limits below those of the container: got %+v, want %+v", got, want)
	}
}

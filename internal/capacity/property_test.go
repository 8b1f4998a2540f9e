package capacity

import (
	"fmt"
	"path"
	"strconv"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// Whatever limits are set on whichever of the groups, the smallest holds, and what is
// available is the least that one of them leaves.
func TestTheSmallestLimitHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := fstest.MapFS{}
		write := func(name, text string) { files[name] = &fstest.MapFile{Data: []byte(text + "\n")} }
		bytes := rapid.Int64Range(1, 1<<40)

		processors := rapid.IntRange(1, 64).Draw(t, "processors")
		total, available := bytes.Draw(t, "total"), bytes.Draw(t, "available")
		wantCPUs, wantMemory, wantAvailable := float64(processors), total, available
		write("proc/meminfo", fmt.Sprintf("MemTotal: %d\nMemAvailable: %d", total, available))
		write("proc/self/status", fmt.Sprintf("Cpus_allowed_list:\t0-%d", processors-1))

		unified := rapid.Bool().Draw(t, "unified")
		if unified {
			write("proc/self/mountinfo", "1 2 0:1 / /cg rw - cgroup2 cgroup2 rw")
		} else {
			write("proc/self/mountinfo", "1 2 0:1 / /cg rw - cgroup cgroup rw,cpu,memory")
		}
		dir, above := "cg", Unknown
		depth := rapid.IntRange(0, 5).Draw(t, "depth")
		for level := range depth + 1 {
			if level > 0 {
				dir = path.Join(dir, strconv.Itoa(level))
			}
			if rapid.Bool().Draw(t, "has a quota") {
				quota := rapid.Int64Range(1000, 10_000_000).Draw(t, "quota")
				period := rapid.Int64Range(1000, 1_000_000).Draw(t, "period")
				wantCPUs = min(wantCPUs, float64(quota)/float64(period))
				if unified {
					write(dir+"/cpu.max", fmt.Sprintf("%d %d", quota, period))
				} else {
					write(dir+"/cpu.cfs_quota_us", fmt.Sprint(quota))
					write(dir+"/cpu.cfs_period_us", fmt.Sprint(period))
				}
			}
			if !rapid.Bool().Draw(t, "has the memory controller") {
				continue
			}
			limit, used, cache := Unknown, bytes.Draw(t, "used"), bytes.Draw(t, "cache")
			if rapid.Bool().Draw(t, "has a limit on memory") {
				limit = bytes.Draw(t, "limit")
				wantMemory = min(wantMemory, limit)
			}
			text := "max"
			if limit != Unknown {
				text = fmt.Sprint(limit)
			}
			if unified {
				name := rapid.SampledFrom([]string{"memory.max", "memory.high"}).Draw(t, "name")
				write(dir+"/"+name, text)
				write(dir+"/memory.current", fmt.Sprint(used))
				write(dir+"/memory.stat", fmt.Sprintf("anon 1\ninactive_file %d", cache))
			} else {
				if limit == Unknown {
					text = "9223372036854771712"
				}
				above = min(above, limit)
				write(dir+"/memory.limit_in_bytes", text)
				write(dir+"/memory.usage_in_bytes", fmt.Sprint(used))
				write(dir+"/memory.stat", fmt.Sprintf("inactive_file 7\nhierarchical_memory_limit %d\ntotal_inactive_file %d", above, cache))
				limit = above
			}
			if limit != Unknown {
				wantAvailable = min(wantAvailable, max(0, limit-max(0, used-cache)))
			}
		}
		if unified {
			write("proc/self/cgroup", "0::"+dir[len("cg"):]+"/")
		} else {
			write("proc/self/cgroup", "1:cpu,memory:"+dir[len("cg"):]+"/")
		}

		h := hostOf(files, processors)
		if got := h.read(); got.CPUs != wantCPUs || got.Memory != wantMemory {
			t.Errorf("machine: got %+v, want %v processors and %d bytes", got, wantCPUs, wantMemory)
		}
		m := h.meter()
		defer m.Close()
		for range 2 {
			if got := m.Load(); got.MemoryAvailable != wantAvailable {
				t.Errorf("available: got %d, want %d", got.MemoryAvailable, wantAvailable)
			}
		}
	})
}

package capacity

import (
	"errors"
	"io/fs"
)

const meminfo = "proc/meminfo"

var (
	parseTotal     = parseField("MemTotal:")
	parseAvailable = parseField("MemAvailable:")
	parseAbove     = parseField("hierarchical_memory_limit")
	parseInactive  = parseField("inactive_file")
	parseInactive1 = parseField("total_inactive_file")
)

// boundMemory applies the limits on memory that the files of Linux tell.
func boundMemory(t *tree, groups []group, b *bound[int64]) {
	total, found, err := value(t, meminfo, parseTotal)
	if err == nil && !found {
		err = fileError(meminfo, fs.ErrNotExist)
	}
	if err != nil {
		b.pass(err)
	}
	b.atMost(total, "/"+meminfo)
	for _, g := range groups {
		limit, source, errs := g.memoryLimit(t)
		b.pass(errs...)
		if limit != Unknown {
			b.atMost(limit, source)
		}
	}
	limits, err := readRlimits(t)
	if err != nil {
		b.pass(err)
		return
	}
	limits.bound(b)
}

// memoryLimit returns the smallest limit that is set on the group itself, Unknown for
// none. In version 1 the kernel tells the limits of the groups above too, which a
// container does not see otherwise. In version 2 a group above memory.high is slowed
// until it is below again, so that is a limit like memory.max.
func (g group) memoryLimit(t *tree) (limit int64, source string, errs []error) {
	files := [2]struct {
		name  string
		parse func([]byte) (int64, error)
	}{{"memory.max", parseLimit}, {"memory.high", parseLimit}}
	if !g.unified {
		files[0].name = "memory.limit_in_bytes"
		files[1].name, files[1].parse = "memory.stat", parseAbove
	}
	limit = Unknown
	for _, f := range files {
		name := g.file(f.name)
		n, found, err := value(t, name, f.parse)
		switch {
		case err != nil:
			errs = append(errs, err)
		case found && n > 0 && n < min(limit, noLimit):
			limit, source = n, "/"+name
		}
	}
	return limit, source, errs
}

// memoryInUse returns the bytes that the group uses, without the file cache that the
// kernel drops before anything else.
func (g group) memoryInUse(t *tree) (int64, error) {
	current, inactive := "memory.current", parseInactive
	if !g.unified {
		current, inactive = "memory.usage_in_bytes", parseInactive1
	}
	used, found, err := value(t, g.file(current), parseAmount)
	if err != nil {
		return 0, err
	}
	cache, foundStat, err := value(t, g.file("memory.stat"), inactive)
	if err != nil {
		return 0, err
	}
	if !found || !foundStat {
		return 0, errGone
	}
	return max(0, used-cache), nil
}

// errGone is the error of a group that has a limit and does not tell its use, because it
// was removed after the process was moved to another.
var errGone = errors.New("the control group is gone")

package capacity

import (
	"bytes"
	"errors"
)

// rlimits are the soft limits on the memory of the process itself, in bytes, and what it
// has now of what they limit. The kernel counts whatever is mapped, used or not.
type rlimits struct {
	data, space        int64 // RLIMIT_DATA and RLIMIT_AS, Unknown for none
	dataMapped, mapped int64 // read only where there is a limit
}

const (
	limitsFile = "proc/self/limits"
	statusFile = "proc/self/status"
)

var (
	parseDataLimit  = parseRlimit("Max data size")
	parseSpaceLimit = parseRlimit("Max address space")
	parseData       = parseField("VmData:")
	parseSpace      = parseField("VmSize:")
)

func readRlimits(t *tree) (rlimits, error) {
	r := rlimits{data: Unknown, space: Unknown}
	data, found, err := value(t, limitsFile, parseDataLimit)
	if err != nil || !found {
		return r, err
	}
	space, _, err := value(t, limitsFile, parseSpaceLimit)
	if err != nil {
		return r, err
	}
	if data == Unknown && space == Unknown {
		return r, nil
	}
	if r.dataMapped, _, err = value(t, statusFile, parseData); err != nil {
		return r, err
	}
	if r.mapped, _, err = value(t, statusFile, parseSpace); err != nil {
		return r, err
	}
	r.data, r.space = data, space
	return r, nil
}

func (r rlimits) any() bool { return r.data != Unknown || r.space != Unknown }

// bound applies the limits. Much of the address space of a Go program is reserved and
// never used: what is no data is not there to have.
func (r rlimits) bound(b *bound[int64]) {
	if r.data != Unknown {
		b.atMost(max(1, r.data), "RLIMIT_DATA")
	}
	if r.space != Unknown {
		b.atMost(max(1, r.space-max(0, r.mapped-r.dataMapped)), "RLIMIT_AS")
	}
}

// available returns how much more the process may map, Unknown without limits.
func (r rlimits) available() int64 {
	left := Unknown
	if r.data != Unknown {
		left = r.data - r.dataMapped
	}
	if r.space != Unknown {
		left = min(left, r.space-r.mapped)
	}
	return max(0, left)
}

// parseRlimit returns the function that parses the soft limit of the line of
// /proc/self/limits that begins with name.
func parseRlimit(name string) func([]byte) (int64, error) {
	return func(text []byte) (int64, error) {
		for line := range bytes.Lines(text) {
			rest, ok := bytes.CutPrefix(line, []byte(name))
			if !ok {
				continue
			}
			words := bytes.Fields(rest)
			if len(words) == 0 {
				return 0, errors.New("expected a limit after " + name + ", found none")
			}
			if string(words[0]) == "unlimited" {
				return Unknown, nil
			}
			n, err := parseInt(words[0])
			if err != nil {
				return 0, expected(`"unlimited" or a number after `+name, words[0])
			}
			return n, nil
		}
		return 0, errors.New("expected a line that begins with " + name + ", found none")
	}
}

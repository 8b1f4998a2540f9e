// Package capacity tells how many processors and how much memory this process may
// really use, and how much of them is in use. A process in a container sees the
// processors and the memory of the whole host in most places; what it gets is set by its
// control groups, of version 1 or 2, by its affinity mask and by its resource limits.
//
// Nothing in it fails: a source that is missing or cannot be understood is passed over
// for the next one, and the text beside the figure says so.
package capacity

import (
	"fmt"
	"io/fs"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
)

// Unknown is the memory of a [Machine] or a [Load] where no source tells it. It is the
// largest number there is, so that it limits nothing where it is compared.
const Unknown int64 = math.MaxInt64

// Machine is what this process may use.
type Machine struct {
	// CPUs is the number of processors, with a fraction where a quota gives one: 0.5 is
	// half of a processor's time. It is always above 0.
	CPUs float64

	// Memory is in bytes, always above 0, and Unknown where no source tells it. Swap is
	// not part of it.
	Memory int64

	// CPUSource and MemorySource say which limit was the smallest, and which sources were
	// passed over because they could not be read: text for logs and errors.
	CPUSource, MemorySource string
}

// Read returns the smallest of all limits: those of the control groups that this process
// is in and of the groups above them, as far as they can be seen, its affinity mask, its
// resource limits, GOMAXPROCS and GOMEMLIMIT, and what the host has.
//
// It reads some tens of small files, which takes less than a millisecond as a rule, and
// keeps nothing: a limit that was changed meanwhile is seen by the next call. It is safe
// for concurrent use.
func Read() Machine { return thisHost().read() }

// host is where the figures come from.
type host struct {
	// root is the root of the file system where Linux tells all, nil on other systems.
	root fs.FS

	// physical tells the bytes of memory, and those available, where root is nil.
	physical func() (total, available int64, source string)

	processors  int   // of the affinity mask when the process started
	maxProcs    int   // GOMAXPROCS
	memoryLimit int64 // GOMEMLIMIT, Unknown for none

	// heap tells which bytes of the Go heap are in nobody's use: those that still count
	// as memory of the process, and those that were given back and count as mapped only.
	heap func() (free, released int64)
}

func thisHost() host {
	h := host{
		processors:  runtime.NumCPU(),
		maxProcs:    runtime.GOMAXPROCS(0),
		memoryLimit: debug.SetMemoryLimit(-1),
		heap:        heapSizes(),
	}
	h.root, h.physical = system()
	return h
}

func (h host) read() Machine {
	cpus := bound[float64]{}
	memory := bound[int64]{value: Unknown}
	cpus.atMost(float64(h.processors), "the processors of the affinity mask")
	if h.root != nil {
		t := tree{root: h.root}
		groups, errs := readGroups(&t)
		cpus.pass(errs...)
		memory.pass(errs...)
		boundCPUs(&t, groups.of("cpu"), &cpus)
		boundMemory(&t, groups.of("memory"), &memory)
	} else {
		if total, _, source := h.physical(); total != Unknown {
			memory.atMost(total, source)
		}
	}
	// The runtime takes the processors and the quota for its default, and rounds up: a
	// GOMAXPROCS below them was asked for.
	cpus.atMost(float64(h.maxProcs), "GOMAXPROCS")
	if h.memoryLimit != Unknown {
		memory.atMost(h.memoryLimit, "GOMEMLIMIT")
	}
	return Machine{
		CPUs:         cpus.value,
		Memory:       memory.value,
		CPUSource:    cpus.text(),
		MemorySource: memory.text(),
	}
}

// bound is the smallest limit of those that were found.
type bound[N int64 | float64] struct {
	value  N
	source string
	passed []string // sources that were passed over, and why
}

// atMost takes a limit if it is the smallest so far. Zero is none.
func (b *bound[N]) atMost(limit N, source string) {
	if limit > 0 && (b.source == "" || limit < b.value) {
		b.value, b.source = limit, source
	}
}

func (b *bound[N]) pass(errs ...error) {
	for _, err := range errs {
		b.passed = append(b.passed, err.Error())
	}
}

// mostPassed is how many of the sources that were passed over are named.
const mostPassed = 3

func (b *bound[N]) text() string {
	source := b.source
	if source == "" {
		source = "no source tells it"
	}
	if len(b.passed) == 0 {
		return source
	}
	named, more := b.passed, ""
	if len(named) > mostPassed {
		more = fmt.Sprintf(" and %d more", len(named)-mostPassed)
		named = named[:mostPassed]
	}
	return fmt.Sprintf("%s; passed over %s%s", source, strings.Join(named, ", "), more)
}

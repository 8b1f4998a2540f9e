package capacity

import "runtime/metrics"

// heapSizes returns a function that tells how many bytes of the Go heap are free and
// still part of the memory of the process, and how many were given back to the system.
// The function is not safe for concurrent use.
func heapSizes() func() (free, released int64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	return func() (int64, int64) {
		metrics.Read(samples)
		return int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())
	}
}

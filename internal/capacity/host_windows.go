package capacity

import (
	"io/fs"
	"syscall"
	"unsafe"
)

// memoryStatus is MEMORYSTATUSEX of the Windows API.
type memoryStatus struct {
	length              uint32
	load                uint32
	totalPhysical       uint64
	availablePhysical   uint64
	totalPageFile       uint64
	availablePageFile   uint64
	totalVirtual        uint64
	availableVirtual    uint64
	availableExtVirtual uint64
}

var globalMemoryStatus = syscall.NewLazyDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

// Windows tells the memory of the machine. Limits of a job object are not read.
func system() (root fs.FS, physical func() (total, available int64, source string)) {
	return nil, func() (int64, int64, string) {
		status := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
		ok, _, _ := globalMemoryStatus.Call(uintptr(unsafe.Pointer(&status)))
		if ok == 0 {
			return Unknown, Unknown, ""
		}
		return int64(status.totalPhysical), int64(status.availablePhysical), "GlobalMemoryStatusEx"
	}
}

package capacity

import (
	"encoding/binary"
	"io/fs"
	"syscall"
)

// macOS tells the memory of the machine. What is available takes a call of Mach, which
// the syscall package does not have.
func system() (root fs.FS, physical func() (total, available int64, source string)) {
	return nil, func() (int64, int64, string) {
		const name = "hw.memsize"
		// Sysctl takes the number for a text, and cuts off its last byte, which is 0.
		text, err := syscall.Sysctl(name)
		var number [8]byte
		copy(number[:], text)
		total := int64(binary.LittleEndian.Uint64(number[:]))
		if err != nil || total <= 0 {
			return Unknown, Unknown, ""
		}
		return total, Unknown, "sysctl " + name
	}
}

//go:build !amd64 && !arm64

package cpuhint

import "unsafe"

func lines(_, _ unsafe.Pointer) {}

func pause() {
	for range 50 { // about as long as elsewhere: the compiler keeps empty loops
	}
}

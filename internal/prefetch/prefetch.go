// Package prefetch asks the processor for memory that is needed soon, so that it is there
// when somebody waits for it. Go has no other way to say so than assembly.
package prefetch

import "unsafe"

// Lines asks for the cache lines of what a and b point to. It is a hint: it waits for
// nothing, reads nothing, and does nothing on processors for which there is no assembly
// here.
func Lines[A, B any](a *A, b *B) { lines(unsafe.Pointer(a), unsafe.Pointer(b)) }

// Held is the memory that holds the value of an interface, which for a function is what it
// closes over; nil for none. It is for Lines alone: what is there is not a byte.
func Held(v any) *byte { return (*[2]*byte)(unsafe.Pointer(&v))[1] }

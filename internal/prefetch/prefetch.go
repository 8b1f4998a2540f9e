// Package prefetch asks the processor for memory that is needed soon, so that it is there
// when somebody waits for it. Go has no other way to say so than assembly.
package prefetch

import "unsafe"

// Lines asks for the cache lines of what a and b point to. It is a hint: it waits for
// nothing, reads nothing, and does nothing on processors for which there is no assembly
// here.
func Lines[A, B any](a *A, b *B) { lines(unsafe.Pointer(a), unsafe.Pointer(b)) }

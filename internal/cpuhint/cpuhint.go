// Package cpuhint tells the processor what it cannot know: which memory is needed soon, and
// that a loop waits for another processor. Go has no other way to say so than assembly. On
// processors for which there is none here, Lines does nothing, and Pause only takes its time.
package cpuhint

import "unsafe"

// Lines asks for the cache lines of what a and b point to, so that they are there when
// somebody waits for them. It waits for nothing and reads nothing.
func Lines[A, B any](a *A, b *B) { lines(unsafe.Pointer(a), unsafe.Pointer(b)) }

// Held is the memory that holds the value of an interface, which for a function is what it
// closes over; nil for none. It is for Lines alone: what is there is not a byte.
func Held(v any) *byte { return (*[2]*byte)(unsafe.Pointer(&v))[1] }

// Pause is for a loop that looks at memory until another processor has written to it, once
// each time that it looked in vain. A thread that shares the core computes meanwhile, the
// writer waits less for the memory, and the loop ends faster once the value is there. It
// takes from 10 to 50 ns, and lets no other goroutine run.
func Pause() { pause() }

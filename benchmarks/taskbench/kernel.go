package taskbench

// floats is the size of a kernel's array.
const floats = 64

// Kernel is the compute-bound kernel: A = A·A + A for each of 64 numbers, so many
// times over. It returns their sum, which is above zero.
//
// It is not inlined: where a copy of the loop lies in memory makes up to a factor of two,
// and its rate outside an executor must be that of the same code.
//
//go:noinline
func Kernel(iterations int) float64 {
	var a [floats]float64
	for k := range a {
		a[k] = 1.2345
	}
	for range iterations {
		for k := range a {
			a[k] = a[k]*a[k] + a[k]
		}
	}
	sum := 0.0
	for _, x := range a {
		sum += x
	}
	return sum
}

// Flops is the number of floating-point operations of Kernel: two for each number
// in each iteration, and the sum.
func Flops(iterations int) float64 { return 2*floats*float64(iterations) + floats }

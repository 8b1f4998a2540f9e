package taskbench

// floats is the size of a kernel's array, a multiple of 4.
const floats = 64

// Kernel is the compute-bound kernel: A = A·A + A for each of 64 numbers, so many
// times over. It returns their sum, which is above zero.
//
// It is not inlined, and each of its loops takes four numbers at a time: a loop of a few
// instructions has up to three times the rate where it happens to lie within one cache
// line, so that it would differ from build to build, and from one copy to another.
//
//go:noinline
func Kernel(iterations int) float64 {
	const first = 1.2345
	var a [floats]float64
	for k := 0; k < floats; k += 4 {
		*(*[4]float64)(a[k:]) = [4]float64{first, first, first, first}
	}
	for range iterations {
		for k := 0; k < floats; k += 4 {
			b := (*[4]float64)(a[k:])
			b[0] = b[0]*b[0] + b[0]
			b[1] = b[1]*b[1] + b[1]
			b[2] = b[2]*b[2] + b[2]
			b[3] = b[3]*b[3] + b[3]
		}
	}
	sum := 0.0
	for k := 0; k < floats; k += 4 {
		b := (*[4]float64)(a[k:])
		sum = sum + b[0] + b[1] + b[2] + b[3]
	}
	return sum
}

// Flops is the number of floating-point operations of Kernel: two for each number
// in each iteration, and the sum.
func Flops(iterations int) float64 { return 2*floats*float64(iterations) + floats }

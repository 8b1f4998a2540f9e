package layout

import "slices"

// A counter counts crossings between layers (W. Barth, P. Mutzel, M. Jünger,
// "Simple and efficient bilayer cross counting", JGAA 8(2), 2004): it meets
// the segments from left to right by their upper ends, and asks a tree of sums
// how many of those met end further right than each.
type counter struct {
	sums   []int32
	places []int32
}

// between returns the crossings between layer l and the next.
func (c *counter) between(n *net, l int) int {
	first := 1
	for first < len(n.order[l+1]) {
		first *= 2
	}
	c.sums = append(c.sums[:0], make([]int32, 2*first)...)
	total := 0
	for _, v := range n.order[l] {
		c.places = places(c.places[:0], n.down.of(v), n.pos)
		for _, p := range c.places {
			k := first + int(p)
			c.sums[k]++
			for k > 1 {
				if k%2 == 0 {
					total += int(c.sums[k+1])
				}
				k /= 2
				c.sums[k]++
			}
		}
	}
	return total
}

// all returns the crossings of the net.
func (c *counter) all(n *net) int {
	total := 0
	for l := range len(n.order) - 1 {
		total += c.between(n, l)
	}
	return total
}

// places appends the places of nodes in their layer, ascending.
func places(to, nodes, pos []int32) []int32 {
	start := len(to)
	for _, v := range nodes {
		to = append(to, pos[v])
	}
	slices.Sort(to[start:])
	return to
}

// crossed returns how often the segments of two nodes cross, the one with the
// ends a standing left. Both are ascending.
func crossed(a, b []int32) int {
	total, k := 0, 0
	for _, p := range a {
		for k < len(b) && b[k] < p {
			k++
		}
		total += k
	}
	return total
}

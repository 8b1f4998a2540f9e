package runnel

import (
	"cmp"
	"slices"
)

// stamp is when a task started, or ended, and its node.
type stamp struct {
	at   int64
	node int32
}

// byStart is the tasks in the order of their starts, together by name. Those that did
// not start come last.
func byStart(periods []period, names []string) []stamp {
	order, last := make([]stamp, len(periods)), int64(0)
	for n := range periods {
		order[n] = stamp{periods[n].started, int32(n)}
		last = max(last, periods[n].started)
	}
	for n := range order {
		if order[n].at == never {
			order[n].at = last + 1
		}
	}
	order = sorted(order)
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && order[j].at == order[i].at {
			j++
		}
		if j > i+1 {
			slices.SortFunc(order[i:j], func(a, b stamp) int { return cmp.Compare(names[a.node], names[b.node]) })
		}
		i = j
	}
	return order
}

// sorted is stamps by their time, which is not negative: a radix sort by bytes, since
// comparing was much of what a report of ten thousand tasks cost.
func sorted(s []stamp) []stamp {
	all := int64(0)
	for i := range s {
		all |= s[i].at
	}
	to := make([]stamp, len(s))
	for shift := 0; shift < 63 && all>>shift != 0; shift += 8 {
		var first [256]int32
		for i := range s {
			first[uint8(s[i].at>>shift)]++
		}
		at := int32(0)
		for b, n := range first {
			first[b] = at
			at += n
		}
		for i := range s {
			b := uint8(s[i].at >> shift)
			to[first[b]] = s[i]
			first[b]++
		}
		s, to = to, s
	}
	return s
}

package runnel

import (
	"cmp"
	"slices"
	"sync"
)

// stamp is when a task started, or ended, and its node.
type stamp struct {
	at   int64
	node int32
}

// draft is what a report is worked out in. It is used again, since the collector runs
// more often the more is thrown away.
type draft struct {
	periods            []period
	order, ends, spare []stamp
}

var drafts = sync.Pool{New: func() any { return &draft{} }}

// draftOf is a draft for so many tasks.
func draftOf(n int) *draft {
	d := drafts.Get().(*draft)
	d.periods = slices.Grow(d.periods[:0], n)[:n]
	for _, s := range []*[]stamp{&d.order, &d.ends, &d.spare} {
		*s = slices.Grow((*s)[:0], n)[:n]
	}
	return d
}

// byStart is the tasks in the order of their starts, together by name. Those that did
// not start come last.
func (d *draft) byStart(names []string) []stamp {
	last := int64(0)
	for n := range d.periods {
		d.order[n] = stamp{d.periods[n].started, int32(n)}
		last = max(last, d.periods[n].started)
	}
	for n := range d.order {
		if d.order[n].at == never {
			d.order[n].at = last + 1
		}
	}
	d.order, d.spare = sorted(d.order, d.spare)
	order := d.order
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
// comparing was much of what a report of ten thousand tasks cost. What comes back is one
// of the two slices, and the other one.
func sorted(s, spare []stamp) (in, other []stamp) {
	all := int64(0)
	for i := range s {
		all |= s[i].at
	}
	to := spare[:len(s)]
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
	return s, to
}

package budget

import (
	"math"
	"time"
)

// line is those who wait. Items with the same need, of those that wait for the first
// time or again, are a group: one of them is as good as another, so that a thousand
// big ones do not hide a small one behind them. Groups stand in line; one that had its
// turn, and has more, goes to the end.
type line struct {
	waiting  int
	heads    [2]queue // of groups: those that are asked for again, then the others
	groupOf  []int32  // of each need, for both; nobody while none waits
	groups   []group
	waiters  []waiter
	noGroup  int32 // the first free one of groups
	noWaiter int32
	reserved int32 // the group that all others wait for
	least    Need  // nobody who waits needs less of either
}

// queue is a list of groups, or of waiters, by their numbers.
type queue struct{ head, tail int32 }

const nobody = -1

// group is those in line who have the same need.
type group struct {
	key        int32 // its place in groupOf
	prev, next int32
	need       Need
	members    queue
	passed     int // how often others went first while it was at the head
}

// waiter is one in line.
type waiter struct {
	item  uint64
	since time.Duration // since the gate was made
	why   Reason
	next  int32
}

// mostPassed is how often others may go ahead of a group at the head of the line.
const mostPassed = 32

// lookahead is how many groups are looked at to find one that fits.
const lookahead = 32

// nobodyYet is the least need of an empty line.
var nobodyYet = Need{CPU: math.MaxInt64, Memory: math.MaxInt64, IO: true}

func newLine() line {
	empty := queue{nobody, nobody}
	return line{heads: [2]queue{empty, empty}, noGroup: nobody, noWaiter: nobody, reserved: nobody, least: nobodyYet}
}

// keyOf is the place of a group in groupOf.
func keyOf(need int32, again bool) int32 {
	if again {
		return 2 * need
	}
	return 2*need + 1
}

// has reports whether some wait with this need.
func (l *line) has(need int32, again bool) bool { return l.groupOf[keyOf(need, again)] != nobody }

// join puts one at the end of its group, and a new group at the end of the line.
func (l *line) join(needs []Need, need int32, again bool, w waiter) {
	if l.groupOf == nil {
		l.groupOf = make([]int32, 2*len(needs))
		for i := range l.groupOf {
			l.groupOf[i] = nobody
		}
	}
	key := keyOf(need, again)
	q := l.groupOf[key]
	if q == nobody {
		q = l.newGroup(key, needs[need])
		l.groupOf[key] = q
		l.append(q)
	}
	l.least.CPU = min(l.least.CPU, needs[need].CPU)
	l.least.Memory = min(l.least.Memory, needs[need].Memory)
	w.next = nobody
	at := l.newWaiter(w)
	m := &l.groups[q].members
	if m.head == nobody {
		m.head = at
	} else {
		l.waiters[m.tail].next = at
	}
	m.tail = at
	l.waiting++
}

// first is the group whose turn it is: the first in line that fits. While all others
// wait for one it is that one, or the first that takes nothing from it. nobody is none,
// as far as was looked.
func (l *line) first(fits func(Need) bool, spares func(n, other Need) bool) int32 {
	if !fits(l.least) {
		return nobody
	}
	if r := l.reserved; r != nobody {
		need := l.groups[r].need
		if fits(need) {
			return r
		}
		all := fits
		fits = func(n Need) bool { return all(n) && spares(n, need) }
	}
	looked := 0
	for _, h := range l.heads {
		for q := h.head; q != nobody && looked < lookahead; q = l.groups[q].next {
			if fits(l.groups[q].need) {
				return q
			}
			looked++
		}
	}
	return nobody
}

// take takes the first of a group out of the line.
func (l *line) take(q int32, spares func(n, other Need) bool) (need int32, w waiter) {
	g := &l.groups[q]
	l.pass(q, g.need, spares)
	at := g.members.head
	w = l.waiters[at]
	l.waiters[at] = waiter{next: l.noWaiter}
	l.noWaiter = at
	if l.waiting--; l.waiting == 0 {
		l.least = nobodyYet
	}
	l.remove(q)
	if g.members.head = w.next; w.next != nobody {
		l.append(q)
		return g.key / 2, w
	}
	key := g.key
	l.groupOf[key] = nobody
	*g = group{next: l.noGroup}
	l.noGroup = q
	return key / 2, w
}

// pass notes that one of a group, or one that was not in line, goes first. It does not
// count for those from which it takes nothing.
func (l *line) pass(q int32, n Need, spares func(n, other Need) bool) {
	for _, h := range l.heads {
		if h.head == nobody || h.head == q {
			continue
		}
		g := &l.groups[h.head]
		if spares(n, g.need) {
			continue
		}
		if g.passed++; g.passed >= mostPassed && l.reserved == nobody {
			l.reserved = h.head
		}
	}
}

// append puts a group at the end of the line.
func (l *line) append(q int32) {
	g := &l.groups[q]
	h := &l.heads[g.key%2]
	g.prev, g.next, g.passed = h.tail, nobody, 0
	if h.tail == nobody {
		h.head = q
	} else {
		l.groups[h.tail].next = q
	}
	h.tail = q
}

// remove takes a group out of the line.
func (l *line) remove(q int32) {
	g := &l.groups[q]
	h := &l.heads[g.key%2]
	if g.prev == nobody {
		h.head = g.next
	} else {
		l.groups[g.prev].next = g.next
	}
	if g.next == nobody {
		h.tail = g.prev
	} else {
		l.groups[g.next].prev = g.prev
	}
	if l.reserved == q {
		l.reserved = nobody
	}
}

func (l *line) newGroup(key int32, need Need) int32 {
	g := group{key: key, need: need, members: queue{nobody, nobody}}
	if q := l.noGroup; q != nobody {
		l.noGroup = l.groups[q].next
		l.groups[q] = g
		return q
	}
	l.groups = append(l.groups, g)
	return int32(len(l.groups) - 1)
}

func (l *line) newWaiter(w waiter) int32 {
	if at := l.noWaiter; at != nobody {
		l.noWaiter = l.waiters[at].next
		l.waiters[at] = w
		return at
	}
	l.waiters = append(l.waiters, w)
	return int32(len(l.waiters) - 1)
}

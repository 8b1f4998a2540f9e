package layout

// maxPasses bounds how often one layer is gone through.
const maxPasses = 4

// A swapper lets neighbours within a layer change places where the lines above
// and below then cross less.
type swapper struct {
	up, down ends
}

// ends are the places of the neighbours of each node of a layer, ascending.
type ends struct {
	first, place []int32
}

// layer goes through a layer, and tells whether anything moved. Only nodes of
// one cluster change places.
func (s *swapper) layer(n *net, l int) bool {
	order := n.order[l]
	s.up.set(order, &n.up, n.pos)
	s.down.set(order, &n.down, n.pos)
	moved := false
	for range maxPasses {
		again := false
		for k := range len(order) - 1 {
			a, b := order[k], order[k+1]
			if n.cluster[a] != n.cluster[b] {
				continue
			}
			i, j := n.pos[a], n.pos[b]
			au, bu, ad, bd := s.up.of(i), s.up.of(j), s.down.of(i), s.down.of(j)
			if crossed(au, bu)+crossed(ad, bd) > crossed(bu, au)+crossed(bd, ad) {
				order[k], order[k+1] = b, a
				again = true
			}
		}
		if !again {
			break
		}
		moved = true
	}
	if moved {
		n.number(l)
	}
	return moved
}

func (e *ends) set(order []int32, side *links, pos []int32) {
	e.first, e.place = e.first[:0], e.place[:0]
	for _, v := range order {
		e.first = append(e.first, int32(len(e.place)))
		e.place = places(e.place, side.of(v), pos)
	}
	e.first = append(e.first, int32(len(e.place)))
}

// of returns the ends of the node that stood at that place.
func (e *ends) of(at int32) []int32 { return e.place[e.first[at]:e.first[at+1]] }

package runnel

import "slices"

// checkRagged refuses mapped tasks that put the axes of rows whose lengths show one
// by one in another order. Tasks are in the order of the flow.
func (b *builder) checkRagged(order []int32) {
	ragged := map[int32][]bool{} // axes of a mapped task's outputs; only those with such rows
	for _, t := range order {
		d := b.tasks[t]
		if d.axes == nil || len(d.outputs) == 0 {
			continue
		}
		own := make([]bool, len(d.outputs[0].axes))
		own[len(own)-1] = len(d.axes) < len(own)
		for i := range d.inputs {
			in, from := &d.inputs[i], b.links[t][i]
			if len(in.axes) == 0 || from.external != nil || b.tasks[from.task].axes == nil {
				continue
			}
			var at []int // of the task, for each of the input's axes
			some := false
			for p, axis := range in.axes {
				at = append(at, slices.Index(d.axes, axis))
				inside := p >= len(b.tasks[from.task].outputs[from.output].axes)
				if known := ragged[from.task]; at[p] >= 0 && (inside || known != nil && known[p]) {
					own[at[p]], some = true, true
				}
			}
			if some && !slices.IsSorted(at) {
				b.problem(d, "%s", outOfOrder(d, in))
			}
		}
		if slices.Contains(own, true) {
			ragged[t] = own
		}
	}
}

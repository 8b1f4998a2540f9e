package runnel

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"testing"
)

// TestElementsOfDataAreLetGoOneByOne: what a plain task or a sequence made as a slice
// is taken apart by each task that takes its elements, and these go one by one.
func TestElementsOfDataAreLetGoOneByOne(t *testing.T) {
	type one struct {
		T *token `runnel:"data[i]"`
	}
	type two struct {
		T *token `runnel:"data[i,k]"`
	}
	const n = 6
	for what, rows := range map[string][]int{"a slice": nil, "a sequence that is produced": nil, "a sequence that is supplied": nil, "rows of one length": {3, 3}, "rows that differ": {1, 0, 5}} {
		t.Run(what, func(t *testing.T) {
			l := newLedger()
			taken := 0
			take := func(v *token) uint32 {
				runtime.GC()
				runtime.GC()
				for name, w := range l.made {
					if before := name < fmt.Sprint(v.value); (w.Value() != nil) == before {
						t.Errorf("at element %d, that element %s is alive is %v", v.value, name, before)
					}
				}
				taken++
				return v.value
			}
			tokens := func(from, n int) (all []*token) {
				for k := range n {
					all = append(all, l.make(fmt.Sprint(from+k), uint32(from+k)))
				}
				return all
			}
			seq := func(yield func(*token) bool) {
				for _, v := range tokens(0, n) {
					if !yield(v) {
						return
					}
				}
			}
			var tasks []AnyTask
			in := Values{}
			switch what {
			case "a slice":
				tasks = append(tasks, NewTask("data", Pure(func(struct{}) []*token { return tokens(0, n) })))
			case "a sequence that is produced":
				tasks = append(tasks, NewTask("data", Pure(func(struct{}) iter.Seq[*token] { return seq })))
			case "a sequence that is supplied":
				in["data"] = iter.Seq[*token](seq)
			default:
				tasks = append(tasks, NewTask("data", Pure(func(struct{}) (all [][]*token) {
					at := 0
					for _, width := range rows {
						all = append(all, tokens(at, width))
						at += width
					}
					return all
				})))
			}
			if rows == nil {
				tasks = append(tasks, NewMapTask("out[i]", Pure(func(in one) uint32 { return take(in.T) })))
			} else {
				tasks = append(tasks, NewMapTask("out[i,k]", Pure(func(in two) uint32 { return take(in.T) })))
			}
			p, err := FromTasks(tasks...)
			if err != nil {
				t.Fatal(err)
			}
			res, err := p.Run(context.Background(), in, Targets("out"), MaxParallel(1))
			if err != nil || taken != n {
				t.Fatalf("%d elements, %v", taken, err)
			}
			got := flatten(numbers(res.Outputs()["out"]))
			if want := []any{uint32(0), uint32(1), uint32(2), uint32(3), uint32(4), uint32(5)}; !slices.Equal(got, want) {
				t.Errorf("out is %v", got)
			}
			runtime.KeepAlive(res)
		})
	}
}

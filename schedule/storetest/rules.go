package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/runnelflow/runnel/schedule"
)

var rules = []rule{
	{
		name: "first write",
		rule: "Save after revision 0 writes when there is no state, and conflicts when there is one.",
		why:  "two schedulers that start at once make the state of a schedule once.",
		check: func(h *harness) {
			first := h.save("a", state(1), 0)
			if first == 0 {
				h.fail("the first revision is 0, which stands for none")
			}
			h.conflict("a", state(2), 0)
			h.save("b", state(1), 0)
			if _, there := h.watch(); len(there) != 2 {
				h.fail("there are %d states, want 2", len(there))
			}
		},
	},
	{
		name: "write after a revision",
		rule: "Save writes after the last revision, and after no other. What conflicts is not written.",
		why:  "a fire time is run by whoever first writes that it does; the other has to see what was written.",
		check: func(h *harness) {
			first := h.save("a", state(1), 0)
			second := h.save("a", state(2), first)
			if second <= first {
				h.fail("revision %d comes after %d", second, first)
			}
			h.conflict("a", state(3), first)
			h.conflict("a", state(3), second+1)
			h.conflict("b", state(3), second)
			w, _ := h.watch()
			if c := w.until("a", func(schedule.Change) bool { return true }); c.Revision != second || !same(c.State, state(2)) {
				h.fail("the state is %+v of revision %d, want that of revision %d", c.State, c.Revision, second)
			}
		},
	},
	{
		name: "one of many",
		rule: "Of any number of Saves after one revision, one writes.",
		why:  "otherwise two schedulers would run one fire time.",
		check: func(h *harness) {
			revision := uint64(0)
			for round := range 20 {
				var wg sync.WaitGroup
				var mu sync.Mutex
				var written []uint64
				for n := range 8 {
					wg.Go(func() {
						next, err := h.store.Save(h.ctx, "a", state(round*8+n), revision)
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							written = append(written, next)
						} else if !errors.Is(err, schedule.ErrConflict) {
							h.Errorf("Save: %v", err)
						}
					})
				}
				wg.Wait()
				if len(written) != 1 {
					h.fail("%d of 8 Saves after revision %d wrote", len(written), revision)
				}
				revision = written[0]
			}
		},
	},
	{
		name: "labels apart",
		rule: "The states of labels have nothing to do with each other, whatever the labels.",
		why:  "labels are the users', who write them in their own words and scripts.",
		check: func(h *harness) {
			labels := []string{"a", "A", "a b", "a.b", "a/b", "a*", "a>", "ä", "a@2026-11-25T02:00:00Z", "日次", " "}
			for n, label := range labels {
				h.save(label, state(n), 0)
			}
			w, first := h.watch()
			if len(first) != len(labels) {
				h.fail("%d labels were written, and %d are there", len(labels), len(first))
			}
			for n, label := range labels {
				if c := w.until(label, func(schedule.Change) bool { return true }); !same(c.State, state(n)) {
					h.fail("the state of %q is that of another label", label)
				}
			}
		},
	},
	{
		name: "states are kept whole",
		rule: "A state comes back as it was written, times to the nanosecond.",
		why:  "fire times are compared, and a run id is made of one.",
		check: func(h *harness) {
			h.save("a", state(7), 0)
			h.save("zero", &schedule.State{}, 0)
			w, _ := h.watch()
			if c := w.until("a", func(schedule.Change) bool { return true }); !same(c.State, state(7)) {
				h.fail("got  %+v\nwant %+v", normal(c.State), normal(state(7)))
			}
			if c := w.until("zero", func(schedule.Change) bool { return true }); !same(c.State, &schedule.State{}) {
				h.fail("a zero state came back as %+v", c.State)
			}
		},
	},
	{
		name: "removal",
		rule: "After Remove there is no state; the next one is written after revision 0, and its revision is higher than those before. Removing what is not there does nothing.",
		why:  "a scheduler that still has the old revision must not bring a removed schedule back, nor take the new one for the old.",
		check: func(h *harness) {
			h.remove("a")
			first := h.save("a", state(1), 0)
			w, _ := h.watch()
			h.remove("a")
			gone := w.until("a", func(c schedule.Change) bool { return c.State == nil })
			if gone.Revision <= first {
				h.fail("the removal has revision %d, after %d", gone.Revision, first)
			}
			h.remove("a")
			h.conflict("a", state(2), first)
			again := h.save("a", state(3), 0)
			if again <= gone.Revision {
				h.fail("the state after the removal has revision %d, and the removal %d", again, gone.Revision)
			}
			w.until("a", func(c schedule.Change) bool { return c.State != nil && c.Revision == again })
		},
	},
	{
		name: "watch begins with all",
		rule: "The first call of Watch hands over all states there are, and is made also when there are none. What was removed is not among them.",
		why:  "a scheduler fires nothing before it knows what became of its schedules.",
		check: func(h *harness) {
			if _, first := h.watch(); len(first) != 0 {
				h.fail("a new store has %d states", len(first))
			}
			for n := range 50 {
				h.save(fmt.Sprint(n), state(n), 0)
			}
			h.remove("7")
			_, first := h.watch()
			if len(first) != 49 {
				h.fail("the first call has %d states, want 49", len(first))
			}
			for _, c := range first {
				if c.State == nil {
					h.fail("the first call tells of the removal of %q", c.Label)
				}
			}
		},
	},
	{
		name: "watch goes on",
		rule: "Every watcher is handed the last change of each label, whoever made it, without asking again. The revisions of a label only grow.",
		why:  "schedulers wait for each other's runs, and do not poll.",
		check: func(h *harness) {
			one, _ := h.watch()
			two, _ := h.watch()
			revision := uint64(0)
			for n := range 100 {
				revision = h.save("a", state(n), revision)
			}
			other := h.save("b", state(1), 0)
			for _, w := range []*watcher{one, two} {
				if c := w.until("a", func(c schedule.Change) bool { return c.Revision == revision }); !same(c.State, state(99)) {
					h.fail("the last change has the state %+v", c.State)
				}
				w.until("b", func(c schedule.Change) bool { return c.Revision == other })
			}
		},
	},
	{
		name: "contexts",
		rule: "Each method returns when its context ends, with an error that matches the cause.",
		why:  "a scheduler that is stopped must not wait for its store.",
		check: func(h *harness) {
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(h.ctx)
			ended := make(chan error, 1)
			told := make(chan struct{}, 1)
			go func() {
				ended <- h.store.Watch(ctx, func([]schedule.Change) {
					select {
					case told <- struct{}{}:
					default:
					}
				})
			}()
			select {
			case <-told:
			case <-h.ctx.Done():
				h.fail("Watch did not hand over what there is")
			}
			cancel(cause)
			select {
			case err := <-ended:
				if !errors.Is(err, cause) {
					h.fail("Watch returned %v", err)
				}
			case <-h.ctx.Done():
				h.fail("Watch did not return")
			}
			if _, err := h.store.Save(ctx, "a", state(1), 0); !errors.Is(err, cause) {
				h.fail("Save returned %v", err)
			}
			if err := h.store.Remove(ctx, "a"); !errors.Is(err, cause) {
				h.fail("Remove returned %v", err)
			}
			h.save("a", state(1), 0) // nothing was written
		},
	},
}

package engine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/runnelflow/runnel/internal/graph"
)

// panics is what the work of some items does.
//
//go:noinline
func panics(it Item) { panic(fmt.Sprintf("item %d", it)) }

// TestAGuardedPanicGoesToUnwound: with its value and the stack of where it happened, on a
// worker that keeps what it has and is still guarded. An item that ends its goroutine under
// the guard comes without a panic.
func TestAGuardedPanicGoesToUnwound(t *testing.T) {
	within(t)
	const items = 300
	for name, g := range map[string]*graph.Graph{"roots": graph.New(items, nil, nil), "chain": chainGraph(items), "fan": fanGraph(items)} {
		for k, limit := range limits {
			announces := k%2 == 0
			t.Run(fmt.Sprintf("%s limit %d announces %v", name, limit, announces), func(t *testing.T) {
				p := newProbe(g)
				unwound := make([]int32, g.N())
				r := New(g, Config{
					Limit:     limit,
					Announces: announces,
					Exec: func(w *Worker, it Item) Item {
						w.Local = it
						w.Guard = true
						switch it % 3 {
						case 0:
							panics(it)
						case 1:
							runtime.Goexit()
						}
						w.Guard = false
						return p.exec(w, it)
					},
					Unwound: func(w *Worker, it Item, panicked *Panic) Item {
						if w.Local != it || !w.Guard {
							t.Errorf("item %d unwound on a worker with Local %v and Guard %v", it, w.Local, w.Guard)
						}
						w.Guard = false
						switch {
						case it%3 == 1 && panicked != nil:
							t.Errorf("item %d ended its goroutine, and Unwound got the panic %v", it, panicked.Value)
						case it%3 == 0 && (panicked == nil || panicked.Value != fmt.Sprintf("item %d", it) || !bytes.Contains(panicked.Stack, []byte("engine.panics"))):
							t.Errorf("item %d panicked, and Unwound got %+v", it, panicked)
						}
						unwound[it]++
						return p.exec(w, it)
					},
				})
				r.Start()
				<-r.Done()
				p.check(t, limit)
				checkUnwound(t, r, unwound, func(n int) int32 { return int32(1 - n%3/2) })
			})
		}
	}
}

// TestAPanicWithoutAGuardEndsTheProgram: it is a mistake of Exec itself, and the program's
// end tells where it is.
func TestAPanicWithoutAGuardEndsTheProgram(t *testing.T) {
	if os.Getenv("ENGINE_PANICS") != "" {
		r := New(chainGraph(2), Config{
			Exec:    func(_ *Worker, it Item) Item { panics(it); return None },
			Unwound: func(*Worker, Item, *Panic) Item { return None },
		})
		r.Start()
		<-r.Done()
		select {}
	}
	program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	program.Env = append(os.Environ(), "ENGINE_PANICS=1")
	out, err := program.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: item 0") || !strings.Contains(string(out), "engine.panics") {
		t.Errorf("the program ended with %v and wrote:\n%s\nwant it to end with the panic and where that was", err, out)
	}
}

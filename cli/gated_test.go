package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/runnelflow/runnel"
)

// gates are what tasks of the tool's process wait for. Each byte that the test
// writes to the process's file 3 opens the gate of that letter once.
type gates struct {
	mu   sync.Mutex
	open map[byte]chan struct{}
}

func newGates() *gates {
	g := &gates{open: map[byte]chan struct{}{}}
	go func() {
		r := bufio.NewReader(os.NewFile(3, "gates"))
		for {
			letter, err := r.ReadByte()
			if err != nil {
				return
			}
			g.gate(letter) <- struct{}{}
		}
	}()
	return g
}

func (g *gates) gate(letter byte) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[letter] == nil {
		g.open[letter] = make(chan struct{}, 100)
	}
	return g.open[letter]
}

func (g *gates) wait(ctx context.Context, letter byte) error {
	select {
	case <-g.gate(letter):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gatedPipelines are those of the tool as a process of its own.
func gatedPipelines() []*runnel.Pipeline {
	g := newGates()
	fetch := runnel.NewTask("fetch", func(ctx context.Context, in struct {
		Names []string `runnel:",optional"`
	}) ([]int, error) {
		return []int{3, 1, 2}, g.wait(ctx, 'a')
	})
	sizes := runnel.NewMapTask("sizes[i]", func(ctx context.Context, in struct {
		N int `runnel:"fetch[i]"`
	}) (int, error) {
		return in.N * 10, g.wait(ctx, 'b')
	}, runnel.MaxParallel(1))
	flaky := runnel.NewTask("flaky", func(ctx context.Context, in struct{ Fetch []int }) (string, error) {
		if err := g.wait(ctx, 'c'); err != nil {
			return "", err
		}
		if runnel.Info(ctx).Attempt == 1 {
			return "", errors.New("the line is busy")
		}
		return "there", nil
	}, runnel.Retries(1), runnel.RetryDelay(0), runnel.RetryJitter(false))
	total := runnel.NewTask("total", runnel.Pure(func(in struct {
		Sizes []int
		Flaky string
	}) int {
		return in.Sizes[0] + in.Sizes[1] + in.Sizes[2]
	}))
	stubborn := runnel.NewTask("stubborn", func(context.Context, struct{}) (int, error) {
		<-g.gate('d') // whatever becomes of the context
		return 1, nil
	})
	many := runnel.NewPipeline(runnel.PipelineName("many"))
	var names []string
	for i := range 30 {
		name := "task" + string(rune('a'+i/10)) + string(rune('0'+i%10))
		names = append(names, name)
		many.Add(runnel.NewValuesTask(name, nil, []string{name}, func(ctx context.Context, _ runnel.Values) (runnel.Values, error) {
			return runnel.Values{name: i}, g.wait(ctx, 'e')
		}))
	}
	many.Add(runnel.NewValuesTask("end", names, []string{"end"}, func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		return runnel.Values{"end": len(in)}, nil
	}))
	patient := runnel.NewTask("patient", func(context.Context, struct{ Fetch []int }) (string, error) {
		return "", errors.New("nobody is there")
	}, runnel.Retries(1), runnel.RetryDelay(time.Hour), runnel.RetryJitter(false), runnel.MaxRetryTime(0))
	return []*runnel.Pipeline{
		runnel.NewPipeline(runnel.PipelineName("steps")).Add(fetch, sizes, flaky, total),
		runnel.NewPipeline(runnel.PipelineName("stubborn")).Add(stubborn),
		runnel.NewPipeline(runnel.PipelineName("patient")).Add(fetch, patient),
		many,
	}
}

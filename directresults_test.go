package runnel_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// wished is a broker that notes which jobs come with which wishes.
type wished struct {
	*broker.Memory
	mu     sync.Mutex
	direct map[bool]int
}

func (b *wished) Submit(ctx context.Context, batches []broker.Batch) error {
	b.mu.Lock()
	for _, batch := range batches {
		for _, j := range batch {
			b.direct[j.Direct]++
			if j.Direct && !j.Once {
				b.direct[true] = -1000
			}
		}
	}
	b.mu.Unlock()
	return b.Memory.Submit(ctx, batches)
}

// TestDirectResults: a run has the same results with the option, each of its jobs asks
// for it, retries and fallbacks too, and no job does without.
func TestDirectResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		squares := runnel.NewMapTask("squares[i]", func(ctx context.Context, in struct {
			N int `runnel:"numbers[i]"`
		}) (int, error) {
			if in.N == 2 && runnel.Info(ctx).Attempt == 1 || in.N == 3 {
				return 0, errors.New("it fails")
			}
			return in.N * in.N, nil
		}, runnel.Retries(1), runnel.RetryDelay(time.Millisecond)).Fallback(func(context.Context, struct {
			N int `runnel:"numbers[i]"`
		}, error) (int, error) {
			return -1, nil
		})
		sum := runnel.Fold("sum", "squares", 0, func(_ context.Context, sum, n int) (int, error) { return sum + n, nil })
		p, err := runnel.FromTasks(squares, sum)
		if err != nil {
			t.Fatal(err)
		}
		b := &wished{Memory: &broker.Memory{}, direct: map[bool]int{}}
		ctx, dismiss := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- runnel.NewWorker(b, p).Run(ctx) }()
		for _, opts := range [][]runnel.RunOption{{runnel.WithBroker(b)}, {runnel.WithBroker(b), runnel.DirectResults()}, {runnel.DirectResults()}} {
			res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{1, 2, 3, 4}}, opts...)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := sum.Get(res); err != nil || got != 1+4-1+16 {
				t.Errorf("the sum is %d, %v, want 20", got, err)
			}
		}
		dismiss()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		// Four elements, two second attempts, a fallback, the sum.
		if b.direct[true] != 8 || b.direct[false] != 8 {
			t.Errorf("there were %d jobs that are direct and %d that are not, want 8 each", b.direct[true], b.direct[false])
		}
	})
}

// TestDirectResultsContradict what has a run outlive its process.
func TestDirectResultsContradict(t *testing.T) {
	task := runnel.NewTask("n", func(context.Context, struct{}) (int, error) { return 1, nil })
	p, err := runnel.FromTasks(task)
	if err != nil {
		t.Fatal(err)
	}
	b := &broker.Memory{}
	on, direct, id := runnel.WithBroker(b), runnel.DirectResults(), runnel.RunID("nightly")
	_, run := p.Run(t.Context(), nil, on, direct, id)
	_, submit := p.Submit(t.Context(), nil, on, direct)
	_, attach := p.Attach(t.Context(), "nightly", on, direct)
	for _, c := range []struct {
		call string
		err  error
		want string
	}{
		{"Run", run, "DirectResults and RunID contradict each other"},
		{"Submit", submit, "Submit and DirectResults contradict each other"},
		{"Attach", attach, "Attach takes WithBroker, Observe and Timings only"},
	} {
		var wrong *runnel.InputError
		if !errors.As(c.err, &wrong) || len(wrong.Problems) != 1 || !strings.Contains(wrong.Problems[0].Text, c.want) {
			t.Errorf("%s: got %v, want the problem %q alone", c.call, c.err, c.want)
		}
	}
	if _, err := p.Run(t.Context(), nil, direct, id); (err != nil) != runnel.HasWorkers() {
		t.Errorf("where only a broker makes it a contradiction: %v", err)
	}
}

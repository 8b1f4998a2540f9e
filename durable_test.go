package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// counts is how often each task, or element, was called.
type counts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *counts) add(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.of[runnel.Info(ctx).Label()]++
}

func (c *counts) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := strings.TrimPrefix(fmt.Sprint(c.of), "map")
	c.of = nil
	return text
}

// chain is words[i] → lengths[i] → total, each of which takes a second.
func chain(t testing.TB, c *counts) *runnel.Pipeline {
	t.Helper()
	lengths := runnel.NewMapTask("lengths[i]", func(ctx context.Context, in struct {
		Word string `runnel:"words[i]"`
	}) (int, error) {
		c.add(ctx)
		return len(in.Word), pause(ctx, time.Second)
	})
	total := runnel.NewTask("total", func(ctx context.Context, in struct{ Lengths []int }) (int, error) {
		c.add(ctx)
		sum := 0
		for _, n := range in.Lengths {
			sum += n
		}
		return sum, pause(ctx, time.Second)
	})
	return pipelineOf(t, lengths, total)
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// state is what a broker keeps of a run.
func state(t testing.TB, k broker.Keeper, id string) *broker.Run {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var got *broker.Run
	k.Runs(ctx, id, func(runs []*broker.Run) {
		for _, r := range runs {
			got = r
		}
		cancel()
	})
	if got == nil {
		t.Fatalf("run %s is not kept", id)
	}
	return got
}

func TestAFinishedRunReturnsItsResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		dismiss := employ(t, b, p)
		in := runnel.Values{"words": []string{"a", "stream"}}
		res, err := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil || res.Outputs()["total"] != 7 {
			t.Fatalf("got %v, %v", res.Outputs(), err)
		}
		if got := c.take(); got != "[lengths[0]:1 lengths[1]:1 total:1]" {
			t.Errorf("it called %s", got)
		}
		dismiss() // nobody is there to do anything
		kept := state(t, b, "r")
		if kept.Owner != "" || kept.Outcome == nil || kept.Outcome.State != "succeeded" || len(kept.Outcome.Tasks) != 2 {
			t.Errorf("it is kept as %+v with outcome %+v", kept, kept.Outcome)
		}
		var seen recorder
		again, err := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r"), runnel.Observe(seen.observe))
		if err != nil || again.Outputs()["total"] != 7 || fmt.Sprint(again.Outputs()["lengths"]) != "[1 6]" {
			t.Errorf("again it has %v, %v", again.Outputs(), err)
		}
		if again.Report().State != runnel.Succeeded || taskReport(t, again.Report(), "lengths").Elements.Succeeded != 2 {
			t.Errorf("its report is %+v", again.Report())
		}
	})
}

func TestARunWaitsForTheProcessThatDrivesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		defer employ(t, b, p)()
		in := runnel.Values{"words": []string{"a", "stream"}}
		first, err := p.Start(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		synctest.Wait()
		owner := state(t, b, "r").Owner
		if owner == "" {
			t.Fatal("nobody drives it")
		}
		res, err := p.Run(ctx, in, runnel.WithBroker(b), runnel.RunID("r"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), owner) {
			t.Errorf("a run that waited in vain ended with %v, %v", res, err)
		}
		var waits []string
		second, err := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r"), runnel.Observe(func(e runnel.Event) {
			if w, ok := e.(runnel.RunWaiting); ok {
				waits = append(waits, w.Reason)
			}
		}))
		if err != nil || second.Outputs()["total"] != 7 {
			t.Errorf("the second run has %v, %v", second.Outputs(), err)
		}
		if len(waits) != 1 || !strings.Contains(waits[0], owner) {
			t.Errorf("it waited %q, want for %s", waits, owner)
		}
		if _, err := first.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if got := c.take(); got != "[lengths[0]:1 lengths[1]:1 total:1]" {
			t.Errorf("they called %s", got)
		}
	})
}

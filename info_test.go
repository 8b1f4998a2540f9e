package runnel_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
)

// public is what a TaskInfo shows.
func public(i runnel.TaskInfo) runnel.TaskInfo {
	return runnel.TaskInfo{Pipeline: i.Pipeline, RunID: i.RunID, Task: i.Task, Attempt: i.Attempt, Index: i.Index, IdempotencyKey: i.IdempotencyKey}
}

func TestInfoTellsATaskWhatItIsPartOf(t *testing.T) {
	type key struct{}
	var got []runnel.TaskInfo
	p := runnel.NewPipeline(runnel.PipelineName("p")).Add(step("a", nil, func(ctx context.Context) error {
		if ctx.Value(key{}) != "mine" {
			t.Error("the values of the caller's context are gone")
		}
		got = append(got, runnel.Info(ctx))
		wrapped, cancel := context.WithTimeout(context.WithValue(ctx, key{}, "other"), time.Hour)
		defer cancel()
		inside := make(chan runnel.TaskInfo)
		go func() { inside <- runnel.Info(wrapped) }()
		if i := <-inside; !reflect.DeepEqual(public(i), public(got[len(got)-1])) {
			t.Errorf("a goroutine of the task, with a context made from its own, sees %+v", i)
		}
		if len(got) == 1 {
			return errFlaky
		}
		return nil
	}, runnel.Name("load"), runnel.Retries(1), runnel.RetryDelay(0), runnel.Timeout(time.Hour)))
	if _, err := p.Run(context.WithValue(t.Context(), key{}, "mine"), nil, runnel.RunID("r")); err != nil {
		t.Fatal(err)
	}
	want := runnel.TaskInfo{Pipeline: "p", RunID: "r", Task: "load", Attempt: 1, IdempotencyKey: "r/load"}
	again := want
	again.Attempt = 2
	if len(got) != 2 || !reflect.DeepEqual(public(got[0]), want) || !reflect.DeepEqual(public(got[1]), again) {
		t.Errorf("infos %+v, want %+v, then the same as attempt 2", got, want)
	}
	if got[0].Label() != "load" {
		t.Errorf("label %q", got[0].Label())
	}
}

func TestInfoOfAnotherContextIsZero(t *testing.T) {
	var none context.Context
	for _, ctx := range []context.Context{t.Context(), none} {
		if got := runnel.Info(ctx); !reflect.DeepEqual(got, runnel.TaskInfo{}) || got.Inputs() != nil {
			t.Errorf("got %+v", got)
		}
	}
}

func TestInfoOfAnAttemptStaysThatOfTheAttempt(t *testing.T) {
	var kept []context.Context
	p := pipelineOf(t, step("a", nil, func(ctx context.Context) error {
		if kept = append(kept, ctx); len(kept) < 3 {
			return errFlaky
		}
		return nil
	}, runnel.Retries(2), runnel.RetryDelay(0)), step("b", from("a"), func(ctx context.Context) error { kept = append(kept, ctx); return nil }))
	if _, err := p.Run(t.Context(), nil, runnel.RunID("r")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		task    string
		attempt int
	}{{"a", 1}, {"a", 2}, {"a", 3}, {"b", 1}} {
		if got := runnel.Info(kept[i]); got.Task != want.task || got.Attempt != want.attempt {
			t.Errorf("a context kept after its attempt says %s, attempt %d; want %s, %d", got.Task, got.Attempt, want.task, want.attempt)
		}
	}
}

func TestRunsHaveIdsOfTheirOwn(t *testing.T) {
	p := pipelineOf(t, step("a", nil, works))
	ids := map[string]bool{}
	for range 100 {
		res, err := p.Run(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		id := res.Report().RunID
		if len(id) != 16 || id != res.Report().RunID {
			t.Errorf("id %q, want 16 digits, and always the same", id)
		}
		ids[id] = true
	}
	if len(ids) != 100 {
		t.Errorf("%d ids for 100 runs", len(ids))
	}
}

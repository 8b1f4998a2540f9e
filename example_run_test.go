package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
)

var words = runnel.NewTask("words", func(_ context.Context, in struct{ Text string }) ([]string, error) {
	return strings.Fields(in.Text), nil
})

var count = runnel.NewTask("count", func(_ context.Context, in struct{ Words []string }) (int, error) {
	return len(in.Words), nil
})

var longest = runnel.NewTask("longest", func(_ context.Context, in struct{ Words []string }) (string, error) {
	if len(in.Words) == 0 {
		return "", errors.New("no words")
	}
	best := in.Words[0]
	for _, w := range in.Words {
		if len(w) > len(best) {
			best = w
		}
	}
	return best, nil
})

// check ends an example that went wrong.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func ExamplePipeline_Run() {
	p, err := runnel.FromTasks(words, count, longest)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"text": "a stream finds its way"})
	check(err)
	n, err := count.Get(res)
	check(err)
	w, err := longest.Get(res)
	check(err)
	fmt.Println(n, "words, the longest is", w)

	_, err = p.Run(context.Background(), runnel.Values{"txt": "a stream"})
	wrong, _ := errors.AsType[*runnel.InputError](err)
	for _, problem := range wrong.Problems {
		fmt.Println(strings.SplitN(problem.Text, ":", 2)[0])
	}
	// Output:
	// 5 words, the longest is stream
	// input "text" of type string is missing
	// input "txt" is unknown
}

func ExamplePipeline_Start() {
	p, err := runnel.FromTasks(words, count)
	check(err)
	ctx := context.Background()
	run, err := p.Start(ctx, runnel.Values{"text": "a stream finds its way"})
	check(err)
	for e := range run.Events() {
		switch e := e.(type) {
		case runnel.TaskStarted:
			fmt.Println(e.Task, "started")
		case runnel.TaskFinished:
			fmt.Println(e.Task, e.State)
		}
	}
	res, err := run.Wait(ctx)
	check(err)
	fmt.Println(res.Outputs()["count"])
	// Output:
	// words started
	// words succeeded
	// count started
	// count succeeded
	// 5
}

func ExampleRun_Cancel() {
	forever := runnel.NewTask("forever", func(ctx context.Context, _ struct{}) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	p, err := runnel.FromTasks(forever)
	check(err)
	run, err := p.Start(context.Background(), nil, runnel.RunID("r1"))
	check(err)
	run.Cancel(errors.New("the budget is spent"))
	_, err = run.Wait(context.Background())
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// runnel: run r1 of the pipeline was cancelled: the budget is spent
	// true
}

func ExampleOnError() {
	p, err := runnel.FromTasks(words, count, longest)
	check(err)
	// Of no words there is no longest, but there is a count.
	res, err := p.Run(context.Background(), runnel.Values{"text": ""}, runnel.OnError(runnel.ContinueOnError))
	failed, _ := errors.AsType[*runnel.TaskError](err)
	fmt.Println(failed.Task, "failed:", failed.Err)
	fmt.Println(res.Outputs()["count"])

	// SkipFailed leaves the failure to the report.
	res, err = p.Run(context.Background(), runnel.Values{"text": ""}, runnel.OnError(runnel.SkipFailed))
	report, _ := res.Report().Task("longest")
	fmt.Println(err, report.State)
	// Output:
	// longest failed: no words
	// 0
	// <nil> failed
}

func ExampleRetries() {
	fetch := runnel.NewTask("page", func(ctx context.Context, _ struct{}) (string, error) {
		if runnel.Info(ctx).Attempt < 3 {
			return "", errors.New("connection refused")
		}
		return "<html>", nil
	}, runnel.Retries(3), runnel.RetryDelay(time.Millisecond))
	p, err := runnel.FromTasks(fetch)
	check(err)
	res, err := p.Run(context.Background(), nil)
	check(err)
	report, _ := res.Report().Task("page")
	fmt.Println(report.State, "after", report.Attempts, "attempts")
	// Output:
	// succeeded after 3 attempts
}

func ExamplePermanent() {
	fetch := runnel.NewTask("page", func(context.Context, struct{}) (string, error) {
		return "", runnel.Permanent(errors.New("404 not found")) // no retry will mend it
	}, runnel.Retries(3))
	p, err := runnel.FromTasks(fetch)
	check(err)
	_, err = p.Run(context.Background(), nil)
	failed, _ := errors.AsType[*runnel.TaskError](err)
	fmt.Println("attempt", failed.Attempt, "was the last:", failed.Err)
	// Output:
	// attempt 1 was the last: 404 not found
}

func ExampleTargets() {
	p, err := runnel.FromTasks(words, count, longest)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"text": "a stream finds its way"}, runnel.Targets("count"))
	check(err)
	fmt.Println(res.Outputs())
	_, err = longest.Get(res)
	fmt.Println(err)
	// Output:
	// map[count:5]
	// runnel: data "longest" is not produced: the run's targets do not need it
}

func ExampleObserve() {
	p, err := runnel.FromTasks(words, count)
	check(err)
	done := 0
	_, err = p.Run(context.Background(), runnel.Values{"text": "a stream"}, runnel.Observe(func(e runnel.Event) {
		if e, ok := e.(runnel.TaskFinished); ok {
			done++
			fmt.Printf("%d of 2: %s\n", done, e.Task)
		}
	}))
	check(err)
	// Output:
	// 1 of 2: words
	// 2 of 2: count
}

func ExampleResult_Report() {
	p, err := runnel.FromTasks(words, count, longest)
	check(err)
	// Without times, since those differ from run to run.
	res, err := p.Run(context.Background(), runnel.Values{"text": ""}, runnel.OnError(runnel.SkipFailed), runnel.RunID("r1"), runnel.Timings(false))
	check(err)
	for line := range strings.Lines(res.Report().String()) {
		fmt.Println(strings.TrimSpace(line))
	}
	// Output:
	// run r1 of the pipeline: succeeded
	// TASK     STATE      ATTEMPTS  NOTE
	// count    succeeded  1
	// longest  failed     1         no words
	// words    succeeded  1
	// 3 tasks: 2 succeeded (67 %), 1 failed, 0 skipped, 0 cancelled; 3 attempts
}

func ExampleIntercept() {
	trace := func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
		fmt.Println(task.Task, "gets", task.Inputs())
		return next(ctx)
	}
	p := runnel.NewPipeline(runnel.Intercept(trace)).Add(words, count)
	_, err := p.Run(context.Background(), runnel.Values{"text": "a stream"})
	check(err)
	// Output:
	// words gets map[text:a stream]
	// count gets map[words:[a stream]]
}

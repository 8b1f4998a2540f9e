package schedule_test

import (
	"context"
	"fmt"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/schedule"
)

func newReport() *runnel.Pipeline {
	p, err := runnel.FromTasks(runnel.NewTask("report", runnel.Pure(func(in struct{ Day string }) string { return "of " + in.Day })))
	if err != nil {
		panic(err)
	}
	return p
}

// A report at two each weekday. Nothing runs before Start; the fire times are known.
func ExampleScheduler_Cron() {
	s := schedule.New()
	nightly, err := s.Cron("0 2 * * MON-FRI", newReport(), schedule.Label("nightly"), schedule.In(time.UTC),
		schedule.From(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)),
		schedule.InputsFunc(func(at time.Time) runnel.Values { return runnel.Values{"day": at.Format(time.DateOnly)} }))
	fmt.Println(nightly.Label, "|", nightly.Timing, err)
	times, _ := s.Next("nightly", 3)
	for _, at := range times {
		fmt.Println(at)
	}
	_, err = s.Cron("0 2 * * MON-FRY", newReport())
	fmt.Println(err != nil)
	// Output:
	// nightly | cron 0 2 * * MON-FRI in UTC from 2100-01-01T00:00:00Z <nil>
	// 2100-01-01 02:00:00 +0000 UTC
	// 2100-01-04 02:00:00 +0000 UTC
	// 2100-01-05 02:00:00 +0000 UTC
	// true
}

// A run at once, beside those at set times.
func ExampleScheduler_Trigger() {
	s := schedule.New()
	ended := make(chan schedule.Status, 1)
	_, err := s.Every(24*time.Hour, newReport(), schedule.Label("daily"),
		schedule.Inputs(runnel.Values{"day": "today"}),
		schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) { ended <- f.Status }))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(s.Start(ctx))
	f, err := s.Trigger(ctx, "daily")
	fmt.Println(f.Triggered, err, <-ended)
	fmt.Println(s.Stop(ctx))
	// Output:
	// <nil>
	// true <nil> succeeded
	// <nil>
}

// A label that is known replaces the schedule, and says so.
func ExampleLabel() {
	s := schedule.New()
	in := schedule.Inputs(runnel.Values{"day": "today"})
	first, _ := s.Every(time.Hour, newReport(), schedule.Label("report"), in)
	second, _ := s.Every(2*time.Hour, newReport(), schedule.Label("report"), in)
	third, _ := s.Every(time.Hour, newReport(), in)
	fmt.Println(first.Replaced, second.Replaced, third.Label)
	// Output:
	// false true schedule
}

// From outside: nobody needs to know the pipeline to look at its schedule and to steer
// it, be it in another process.
func ExampleOperator() {
	store := &schedule.Memory{}
	s := schedule.New(schedule.WithStore(store))
	_, err := s.Cron("0 2 * * MON-FRI", newReport(), schedule.Label("nightly"), schedule.In(time.UTC),
		schedule.Inputs(runnel.Values{"day": "today"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := s.Trigger(ctx, "nightly"); err != nil { // so that the store has it
		fmt.Println(err)
		return
	}
	o := schedule.NewOperator(store)
	fmt.Println(o.Pause(ctx, "nightly"))
	list, err := o.List(ctx)
	for _, one := range list {
		fmt.Println(one.Label, "|", one.Timing, "|", one.Paused, err)
	}
	fmt.Println(s.Stop(ctx))
	// Output:
	// <nil>
	// nightly | cron 0 2 * * MON-FRI in UTC | true <nil>
	// <nil>
}

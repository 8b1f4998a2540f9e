package natsbroker_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
	"github.com/runnelflow/runnel/schedule"
)

// scheduler is a part of each program that fires the schedule.
func scheduler(b *natsbroker.Broker, opts ...schedule.ScheduleOption) (*schedule.Scheduler, error) {
	p, err := runnel.FromTasks(Length, Total)
	if err != nil {
		return nil, err
	}
	s := schedule.New(schedule.WithStore(b.Schedules()))
	_, err = s.Cron("30 2 * * *", p, append(opts, schedule.Label("nightly"), schedule.In(time.UTC),
		schedule.Inputs(runnel.Values{"words": []string{"a", "stream"}}))...)
	return s, err
}

func ExampleBroker_Schedules() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "runnel")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b, err := natsbroker.Embedded(ctx, dir)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	ended := make(chan schedule.Status)
	s, err := scheduler(b, schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) { ended <- f.Status }))
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		log.Fatal(err)
	}
	if _, err := s.Trigger(ctx, "nightly"); err != nil { // not to wait for the night
		log.Fatal(err)
	}
	fmt.Println(<-ended)
	fmt.Println(s.Stop(ctx))
	// What became of it is still there.
	nightly, err := schedule.NewOperator(b.Schedules()).Get(ctx, "nightly")
	fmt.Println(nightly.Timing, nightly.Failures, err)
	// Output:
	// succeeded
	// <nil>
	// cron 30 2 * * * in UTC 0 <nil>
}

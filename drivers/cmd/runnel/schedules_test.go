package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
	"github.com/runnelflow/runnel/schedule"
)

// TestSchedules: each command against a real server and a scheduler, which does what the
// tool asks for.
func TestSchedules(t *testing.T) {
	url := startServer(t)
	golden(t, "noschedules", transcript(t, url, "schedules list", "schedules list --json", "schedules show nightly", "schedules remove nightly --yes"))
	b, err := natsbroker.Connect(t.Context(), url, natsbroker.Lease(lease), natsbroker.MaxDeliveries(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	gate := make(chan struct{})
	p := runnel.NewPipeline(runnel.PipelineName("report")).Add(runnel.NewTask("wait", func(ctx context.Context, _ struct{}) (bool, error) {
		select {
		case <-gate:
			return false, errors.New("no data")
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}))
	ended := make(chan schedule.Fire, 10)
	s := schedule.New(schedule.WithStore(b.Schedules()), schedule.Logger(slog.New(slog.DiscardHandler)))
	end := schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) { ended <- f })
	far := schedule.Until(time.Now().AddDate(10, 0, 0).Truncate(time.Second))
	for _, label := range []string{"nightly", "each month"} {
		if _, err := s.Cron("30 2 1 * *", p, schedule.Label(label), schedule.In(time.UTC), end); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.At(time.Now().Add(-time.Hour), p, schedule.Label("once"), far); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Request("runnel.schedule.odd", []byte("rubbish"), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "over", "schedules", "list", "--server", url)
	golden(t, "schedules", transcript(t, url, "schedules list", "schedules list --json", "schedules pause nightly", "schedules show nightly", "schedules trigger nightly"))
	eventually(t, "running", "schedules", "show", "nightly", "--server", url)
	close(gate)
	if f := <-ended; !f.Triggered || f.Label != "nightly" {
		t.Errorf("%+v has ended", f)
	}
	eventually(t, "failed", "schedules", "show", "nightly", "--server", url)
	golden(t, "triggered", transcript(t, url, "schedules show nightly", "schedules show nightly --json", "schedules resume nightly", "schedules list", "schedules show nightyl",
		"schedules pause odd", "schedules show once", "schedules remove odd", "schedules remove odd --yes", "schedules remove nightly --yes", "schedules list"))
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Command nightly makes a copy of a folder every night at half past two, checks it, and
// keeps the last seven.
//
//	go run ./examples/nightly                     two weeks of spring 2026, in a moment
//	go run ./examples/nightly -from DIR -to DIR   your own folder, until Ctrl-C
//	go run ./examples/nightly -from DIR -to DIR -store DIR
//
// The copy is a pipeline (backup.go), and the schedule says when it runs. Without
// arguments the schedule has a clock that jumps from night to night (clock.go). In one
// of the nights the clocks are put forward over half past two, and for three of them
// the power is off. The schedule is kept in a folder, and the program goes on where it
// was left; with -store it does so for your own folder too: a night that nobody was
// there for is made up for when the program is started again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"
	_ "time/tzdata" // Europe/Berlin, also where the machine has no zones

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
	"github.com/runnelflow/runnel/schedule"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nightly:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("nightly", flag.ContinueOnError)
	from := flags.String("from", "", "the folder to copy; none shows two weeks of one")
	to := flags.String("to", "", "the folder for the copies")
	store := flags.String("store", "", "the folder where the schedule is kept; without one it is forgotten at the end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	switch {
	case *from == "" && *to == "":
		return show(ctx, *store, out)
	case *from == "" || *to == "":
		return errors.New("give both -from and -to")
	}
	var kept schedule.Store = &schedule.Memory{}
	if *store != "" {
		b, err := natsbroker.Embedded(ctx, *store)
		if err != nil {
			return err
		}
		defer b.Close()
		kept = b.Schedules()
	}
	s := schedule.New(schedule.WithStore(kept))
	at, err := nightly(s, *from, *to, time.Local, tell(out, time.Local, nil))
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "the next copy is made at %v\n", at.Next)
	<-ctx.Done()
	return s.Stop(context.Background())
}

// nightly schedules the copies.
func nightly(s *schedule.Scheduler, from, to string, zone *time.Location, end schedule.ScheduleOption) (schedule.Schedule, error) {
	p, err := newPipeline()
	if err != nil {
		return schedule.Schedule{}, err
	}
	return s.Cron("30 2 * * *", p,
		schedule.Label("nightly"),
		schedule.In(zone),
		schedule.OnMissed(schedule.RunOnce), // a copy of today will do for all nights that were missed
		schedule.InputsFunc(func(at time.Time) runnel.Values {
			return runnel.Values{"source": from, "target": to, "night": at.Format(time.DateOnly), "keep": 7}
		}),
		end)
}

// tell writes a line for each run that has ended.
func tell(out io.Writer, zone *time.Location, ended chan<- struct{}) schedule.ScheduleOption {
	return schedule.OnEnd(func(f schedule.Fire, res *runnel.Result, err error) {
		night := f.Time.In(zone).Format("Mon 2 Jan 15:04 MST")
		if err != nil {
			fmt.Fprintf(out, "%s: %v\n", night, err)
		} else {
			// A run without an error has made them all.
			checked, _ := Checked.Get(res)
			archive, _ := Archive.Get(res)
			kept, _ := Kept.Get(res)
			fmt.Fprintf(out, "%-22s %2d files, %3d bytes in %s; copies: %d\n", night, checked.Files, checked.Bytes, filepath.Base(archive), len(kept))
		}
		if ended != nil {
			ended <- struct{}{}
		}
	})
}

// show makes a folder and copies it for two weeks. The schedule is kept in store, or
// beside the folder.
func show(ctx context.Context, store string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "nightly")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	from, to := filepath.Join(dir, "folder"), filepath.Join(dir, "copies")
	if err := write(from, "notes.txt", "the first line\n"); err != nil {
		return err
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	clock := newJumping(time.Date(2026, 3, 23, 12, 0, 0, 0, berlin))
	if store == "" {
		store = filepath.Join(dir, "store")
	}
	if err := watch(ctx, 9, clock, store, from, to, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "the power is off for three nights")
	clock.jump(clock.Now().AddDate(0, 0, 3).Add(6 * time.Hour))
	return watch(ctx, 4, clock, store, from, to, out)
}

// watch starts a scheduler with what is kept in a folder, and stops it after some runs.
func watch(ctx context.Context, runs int, clock *jumping, store, from, to string, out io.Writer) error {
	b, err := natsbroker.Embedded(ctx, store)
	if err != nil {
		return err
	}
	defer b.Close()
	berlin := clock.Now().Location()
	s := schedule.New(schedule.WithClock(clock), schedule.WithStore(b.Schedules()), schedule.Logger(slog.New(slog.DiscardHandler)))
	ended := make(chan struct{})
	if _, err := nightly(s, from, to, berlin, tell(out, berlin, ended)); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	night := clock.Now()
	for i := range runs {
		// The run of nights that were missed begins by itself.
		if missed := i == 0 && night.Hour() < 12; !missed {
			var next []time.Time
			if next, err = s.Next("nightly", 1); err != nil {
				break
			}
			clock.jump(next[0])
		}
		select {
		case <-ended:
		case <-ctx.Done():
		}
		// The folder grows from day to day.
		if err = write(from, clock.Now().Format("0102.txt"), "what happened that day\n"); err != nil {
			break
		}
	}
	return errors.Join(err, context.Cause(ctx), s.Stop(context.Background()))
}

func write(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
}

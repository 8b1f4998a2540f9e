package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/schedule"
)

// ticking are the schedules of these tests: nothing is let go, and a run that is killed
// is made again.
var ticking = []struct {
	label        string
	every, takes time.Duration
}{
	{"fast", 200 * time.Millisecond, 30 * time.Millisecond},
	{"slow", 700 * time.Millisecond, 400 * time.Millisecond},
}

// tick is a run: it takes a while, and writes what it does into a ledger.
func tick(ledger string, takes time.Duration) (*runnel.Pipeline, error) {
	return runnel.FromTasks(runnel.NewTask("tick", func(ctx context.Context, _ struct{}) (bool, error) {
		note := func(what string) error {
			f, err := os.OpenFile(ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = fmt.Fprintf(f, "%s %s %d\n", what, runnel.Info(ctx).RunID, os.Getpid())
			return err
		}
		if err := note("begin"); err != nil {
			return false, err
		}
		if pause(ctx, takes); ctx.Err() != nil {
			return false, errors.Join(context.Cause(ctx), note("stopped"))
		}
		return true, note("done")
	}))
}

// playScheduler is one of several schedulers with one store.
func playScheduler(ctx context.Context) error {
	b, err := connect(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	from, err := time.Parse(time.RFC3339Nano, os.Getenv(envFrom))
	if err != nil {
		return err
	}
	until, err := time.Parse(time.RFC3339Nano, os.Getenv(envUntil))
	if err != nil {
		return err
	}
	s := schedule.New(noLog, schedule.WithStore(b.Schedules()), schedule.Lease(shortLease))
	for _, k := range ticking {
		p, err := tick(os.Getenv(envLedger), k.takes)
		if err != nil {
			return err
		}
		_, err = s.Cron("@every "+k.every.String(), p, schedule.Label(k.label), schedule.From(from), schedule.Until(until),
			schedule.OnMissed(schedule.RunAll), schedule.OnOverlap(schedule.AllowOverlap), schedule.History(1000))
		if err != nil {
			return err
		}
	}
	if err := s.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	fmt.Println("ready")
	<-ctx.Done()
	return s.Stop(context.Background())
}

// mostBegun is how often a run may have begun for its process still to be killed: one that
// five schedulers began and left is given up.
const mostBegun = 3

// busy is the process that has begun a run, if that is the last thing that happened, and how
// often that run has begun.
func busy(ledger string) (pid, begun int) {
	page, _ := os.ReadFile(ledger) // it may not be there yet
	lines := strings.Split(strings.TrimSpace(string(page)), "\n")
	if what, rest, _ := strings.Cut(lines[len(lines)-1], " "); what == "begin" {
		id, text, _ := strings.Cut(rest, " ")
		pid, _ = strconv.Atoi(text)
		begun = strings.Count(string(page), "begin "+id+" ")
	}
	return pid, begun
}

// TestKilledSchedulersFireOnce: three processes share their schedules, one of them is
// killed every half second, one with a run if there is any, and the server now and then. Each fire time is run to its end, the
// end is recorded once, and no run is begun again that was not taken over or given back.
func TestKilledSchedulersFireOnce(t *testing.T) {
	at, dir, ledger := freeAddress(t), envDir+"="+t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	server := start(t, "server", at, dir)
	defer func() { server.kill() }()
	b, err := Connect(t.Context(), "nats://"+at, agreed...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	changes := watchSchedules(t, b.Schedules())
	from := time.Now().Add(time.Second).Round(0)
	until := from.Add(8 * time.Second)
	env := []string{envLedger + "=" + ledger, envFrom + "=" + from.Format(time.RFC3339Nano), envUntil + "=" + until.Format(time.RFC3339Nano)}
	born := func() *process { return launch(t, "scheduler", at, env...) }
	schedulers := []*process{born(), born(), born()}
	defer func() {
		for _, s := range schedulers {
			s.kill()
		}
	}()
	kills, r := 0, rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for time.Now().Before(until) {
		pause(t.Context(), time.Duration(300+r.IntN(400))*time.Millisecond)
		k := r.IntN(len(schedulers))
		pid, begun := busy(ledger)
		if n := slices.IndexFunc(schedulers, func(s *process) bool { return s.cmd.Process.Pid == pid }); n >= 0 && begun <= mostBegun {
			k = n
		} else if n == k {
			k = (n + 1) % len(schedulers)
		}
		schedulers[k].kill()
		if kills++; kills%6 == 3 {
			server.kill()
			server = start(t, "server", at, dir)
		}
		schedulers[k] = born()
	}

	all := map[string]int{} // fire times of each label
	for _, k := range ticking {
		all[k.label] = 1 + int(until.Sub(from)/k.every)
	}
	ends := map[string]schedule.Fire{}
	counts := map[string]int{}
	for counts["fast"] < all["fast"] || counts["slow"] < all["slow"] {
		c := nextSchedule(t, changes, func(c schedule.Change) bool { return c.State != nil })
		for _, f := range c.State.Ended {
			before, known := ends[f.RunID]
			if !known {
				ends[f.RunID] = f
				counts[c.Label]++
			} else if !before.Ended.Equal(f.Ended) || before.Owner != f.Owner {
				t.Errorf("the end of %s was recorded twice: %+v and %+v", f.RunID, before, f)
			}
		}
	}
	for _, s := range schedulers {
		<-s.ready
		s.end(t)
	}

	page, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	begun, done, stopped := map[string]int{}, map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(page)) {
		words := strings.Fields(line)
		map[string]map[string]int{"begin": begun, "done": done, "stopped": stopped}[words[0]][words[1]]++
	}
	takeovers := 0
	for _, k := range ticking {
		for n := range all[k.label] {
			id := k.label + "@" + from.Add(time.Duration(n)*k.every).UTC().Format(time.RFC3339Nano)
			f := ends[id]
			takeovers += f.Takeovers
			if f.Status != schedule.Succeeded || done[id] == 0 {
				t.Errorf("%s was done %d times, and is recorded as %+v", id, done[id], f)
			}
			if begun[id] > 1+f.Takeovers+stopped[id] {
				t.Errorf("%s was begun %d times; it was taken over %d times, and given back %d times", id, begun[id], f.Takeovers, stopped[id])
			}
			delete(begun, id)
		}
	}
	if len(begun) > 0 {
		t.Errorf("there were runs at other times: %v", begun)
	}
	if kills < 6 || takeovers == 0 {
		t.Errorf("there were only %d kills, and %d takeovers", kills, takeovers)
	}
	t.Logf("%d fire times, %d kills of schedulers, %d takeovers", len(ends), kills, takeovers)
}

package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/schedule"
)

// The bubble of testing/synctest begins at midnight UTC on 2000-01-01, a Saturday.

// quiet is what most tests want of a scheduler.
var quiet = schedule.Logger(slog.New(slog.DiscardHandler))

var utc = schedule.In(time.UTC)

// job is a pipeline that notes when it was run, and takes a time.
type job struct {
	mu      sync.Mutex
	started []time.Time
	ids     []string
	causes  []error // of runs whose context ended
	takes   time.Duration
	err     error
}

func (j *job) pipeline() *runnel.Pipeline {
	p := runnel.NewPipeline(runnel.PipelineName("job")).Add(runnel.NewTask("done", func(ctx context.Context, in struct {
		Note string `runnel:"note,optional"`
	}) (string, error) {
		j.mu.Lock()
		j.started = append(j.started, time.Now())
		j.ids = append(j.ids, runnel.Info(ctx).RunID)
		takes, err := j.takes, j.err
		j.mu.Unlock()
		if takes > 0 {
			select {
			case <-time.After(takes):
			case <-ctx.Done():
				j.mu.Lock()
				defer j.mu.Unlock()
				j.causes = append(j.causes, context.Cause(ctx))
				return "", context.Cause(ctx)
			}
		}
		return in.Note, err
	}))
	if err := p.Build(); err != nil {
		panic(err)
	}
	return p
}

// times are those of the runs, short.
func (j *job) times() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var texts []string
	for _, at := range j.started {
		texts = append(texts, at.UTC().Format("02T15:04:05"))
	}
	return strings.Join(texts, " ")
}

// ends are the causes of the runs whose context ended.
func (j *job) ends() []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.causes)
}

func (j *job) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.started)
}

func (j *job) set(takes time.Duration, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.takes, j.err = takes, err
}

// pass lets time pass, and what follows from it happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// begin makes a scheduler, adds schedules and starts it. The test stops it.
func begin(t *testing.T, store schedule.Store, add func(s *schedule.Scheduler)) *schedule.Scheduler {
	t.Helper()
	s := schedule.New(quiet, schedule.WithStore(store))
	add(s)
	must(t, s.Start(t.Context()))
	synctest.Wait()
	t.Cleanup(func() { end(s) })
	return s
}

// end stops a scheduler at once.
func end(s *schedule.Scheduler) {
	_ = s.Stop(over())
	synctest.Wait()
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func made(t testing.TB) func(schedule.Schedule, error) schedule.Schedule {
	return func(s schedule.Schedule, err error) schedule.Schedule {
		t.Helper()
		must(t, err)
		return s
	}
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

// history is what has become of the fires of a schedule, short.
func history(t testing.TB, s *schedule.Scheduler, label string) string {
	t.Helper()
	fires, err := s.History(label)
	must(t, err)
	var texts []string
	for _, f := range fires {
		text := fmt.Sprintf("%s %s", f.Time.Format("02T15:04:05"), f.Status)
		if !f.Since.IsZero() {
			text = f.Since.Format("02T15:04:05") + "–" + text
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// severed is a store whose scheduler can be cut off, as by a power cord.
type severed struct {
	schedule.Store
	mu  sync.Mutex
	cut bool
}

var errSevered = errors.New("severed")

func (s *severed) sever(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
}

func (s *severed) off() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

func (s *severed) Save(ctx context.Context, label string, st *schedule.State, revision uint64) (uint64, error) {
	if s.off() {
		return 0, errSevered
	}
	return s.Store.Save(ctx, label, st, revision)
}

func (s *severed) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	return s.Store.Watch(ctx, func(changes []schedule.Change) {
		if !s.off() {
			deliver(slices.Clone(changes))
		}
	})
}

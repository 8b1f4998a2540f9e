package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/runneltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Two weeks: the night of the 29th fires at the end of the gap, and of the nights
// without power the last one is made up for.
func TestTwoWeeks(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	want := `Tue 24 Mar 02:30 CET    1 files,  15 bytes in 2026-03-24.tar.gz; copies: 1
Wed 25 Mar 02:30 CET    2 files,  38 bytes in 2026-03-25.tar.gz; copies: 2
Thu 26 Mar 02:30 CET    3 files,  61 bytes in 2026-03-26.tar.gz; copies: 3
Fri 27 Mar 02:30 CET    4 files,  84 bytes in 2026-03-27.tar.gz; copies: 4
Sat 28 Mar 02:30 CET    5 files, 107 bytes in 2026-03-28.tar.gz; copies: 5
Sun 29 Mar 03:00 CEST   6 files, 130 bytes in 2026-03-29.tar.gz; copies: 6
Mon 30 Mar 02:30 CEST   7 files, 153 bytes in 2026-03-30.tar.gz; copies: 7
Tue 31 Mar 02:30 CEST   8 files, 176 bytes in 2026-03-31.tar.gz; copies: 7
Wed 1 Apr 02:30 CEST    9 files, 199 bytes in 2026-04-01.tar.gz; copies: 7
the power is off for three nights
Sat 4 Apr 02:30 CEST   10 files, 222 bytes in 2026-04-04.tar.gz; copies: 7
Sun 5 Apr 02:30 CEST   11 files, 245 bytes in 2026-04-05.tar.gz; copies: 7
Mon 6 Apr 02:30 CEST   12 files, 268 bytes in 2026-04-06.tar.gz; copies: 7
Tue 7 Apr 02:30 CEST   13 files, 291 bytes in 2026-04-07.tar.gz; copies: 7
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestADamagedCopyIsNoticed(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	runneltest.Check(t, p)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := write(from, "a.txt", "one"); err != nil {
		t.Fatal(err)
	}
	res := runneltest.ReadOnly(t, p, runnel.Values{"source": from, "target": to, "night": "2026-03-24", "keep": 2})
	sums, err := Sums.Get(res)
	if err != nil {
		t.Fatal(err)
	}
	sums[0].Hash[0]++
	check, err := runnel.FromTasks(Checked)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := Archive.Get(res)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Run(t.Context(), runnel.Values{"archive": archive, "sums": sums}); err == nil || !strings.Contains(err.Error(), "the copy of a.txt") {
		t.Errorf("a sum that is wrong: %v", err)
	}
	if err := os.Truncate(archive, 20); err != nil {
		t.Fatal(err)
	}
	if _, err := check.Run(t.Context(), runnel.Values{"archive": archive, "sums": sums}); err == nil {
		t.Error("half a copy was taken for a whole one")
	}
}

// lines hands over what is written, line by line.
type lines chan string

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestMissedNights: the program has ended two nights ago, after its first copy. Of the
// nights since then the last one is made up for as soon as it is started again.
func TestMissedNights(t *testing.T) {
	dir := t.TempDir()
	from, to, store := filepath.Join(dir, "from"), filepath.Join(dir, "to"), filepath.Join(dir, "store")
	if err := write(from, "a.txt", "one"); err != nil {
		t.Fatal(err)
	}
	year, month, day := time.Now().AddDate(0, 0, -3).Date()
	clock := newJumping(time.Date(year, month, day, 12, 0, 0, 0, time.Local))
	if err := watch(t.Context(), 1, clock, store, from, to, io.Discard); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	said, ended := make(lines, 10), make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-from", from, "-to", to, "-store", store}, said) }()
	for line := range said {
		if strings.Contains(line, " 2 files, ") {
			break
		}
		if !strings.HasPrefix(line, "the next copy") {
			t.Fatalf("it says %q", line)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if copies, err := os.ReadDir(to); err != nil || len(copies) != 2 {
		t.Errorf("there are %d copies, %v", len(copies), err)
	}
}

// The program goes on until it is interrupted.
func TestAFolderOfYourOwn(t *testing.T) {
	if err := run(t.Context(), []string{"-from", "."}, os.Stdout); err == nil || !strings.Contains(err.Error(), "both -from and -to") {
		t.Errorf("got %v", err)
	}
}

// A timer rings when its time has passed, be it that the clock jumped over it.
func TestTheClockJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newJumping(time.Unix(0, 0))
		rung := make(chan string)
		ring := func(name string) func() { return func() { rung <- name } }
		hour := c.AfterFunc(time.Hour, ring("hour"))
		week := c.AfterFunc(7*24*time.Hour, ring("week"))
		c.AfterFunc(25*time.Hour, ring("day and hour"))
		began := time.Now()
		c.jump(c.Now().Add(24 * time.Hour))
		if got := <-rung; got != "hour" || time.Since(began) != 0 {
			t.Errorf("%q rings after %v, want the hour at once", got, time.Since(began))
		}
		if got := <-rung; got != "day and hour" || time.Since(began) != time.Hour {
			t.Errorf("%q rings after %v, want the day and hour after an hour", got, time.Since(began))
		}
		if hour() || !week() || week() {
			t.Error("a timer can be stopped once, and only before it rings")
		}
		if got := c.Now(); !got.Equal(time.Unix(25*60*60, 0)) {
			t.Errorf("the clock shows %v", got)
		}
	})
}

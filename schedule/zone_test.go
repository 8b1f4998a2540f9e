package schedule_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/runnelflow/runnel/schedule"
)

// zoneOf makes a zone whose clocks are changed by a rule in the form of TZ, under any
// name, as package time makes that of the machine.
func zoneOf(t *testing.T, name, rule string, offset int32) *time.Location {
	t.Helper()
	var file bytes.Buffer
	for range 2 { // the part of version 1, and that of version 2
		file.WriteString("TZif2" + strings.Repeat("\x00", 15))
		for _, count := range []uint32{0, 0, 0, 0, 1, 4} { // one offset, without changes before the rule
			must(t, binary.Write(&file, binary.BigEndian, count))
		}
		must(t, binary.Write(&file, binary.BigEndian, offset))
		file.WriteString("\x00\x00STD\x00")
	}
	file.WriteString("\n" + rule + "\n")
	loc, err := time.LoadLocationFromTZData(name, file.Bytes())
	must(t, err)
	return loc
}

func loaded(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	must(t, err)
	return loc
}

// TestZonesOfTwoPrograms that share a schedule: either they are one zone to both, and it
// is run once at each fire time, or one of the two says what is wrong and runs nothing.
func TestZonesOfTwoPrograms(t *testing.T) {
	const europe, america = "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0"
	local := func(rule string, offset int32) *time.Location { return zoneOf(t, "Local", rule, offset) }
	for _, c := range []struct {
		name string
		a, b *time.Location
		same bool
	}{
		{"local ones alike", local(europe, 3600), local(europe, 3600), true},
		{"local ones of one offset in winter", local(europe, 3600), local("WAT-1", 3600), false},
		{"local ones far apart", local(europe, 3600), local(america, -18000), false},
		{"a local one that is UTC", local("UTC0", 0), time.UTC, true},
		{"one name for two offsets", time.FixedZone("here", 3600), time.FixedZone("here", 7200), false},
		{"two names for one offset", time.FixedZone("here", 3600), time.FixedZone("there", 3600), true},
		{"offsets with seconds", time.FixedZone("", 3600), time.FixedZone("", 3601), false},
		{"a name that is that of another zone", loaded(t, "Europe/Berlin"), time.FixedZone("Europe/Berlin", 3600), false},
		{"a name", loaded(t, "Asia/Tokyo"), loaded(t, "Asia/Tokyo"), true},
		{"half an hour of summer time", loaded(t, "Australia/Lord_Howe"), loaded(t, "Australia/Sydney"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store := &schedule.Memory{}
				one, two := &job{}, &job{}
				declare := func(j *job, loc *time.Location) *schedule.Scheduler {
					return begin(t, store, func(s *schedule.Scheduler) {
						made(t)(s.Cron("30 2 * * *", j.pipeline(), schedule.Label("a"), schedule.In(loc)))
						made(t)(s.Func(func(after time.Time) time.Time {
							day := after.Day()
							if after.Hour() >= 12 {
								day++
							}
							return time.Date(after.Year(), after.Month(), day, 12, 0, 0, 0, after.Location())
						}, j.pipeline(), schedule.Label("b"), schedule.In(loc)))
					})
				}
				a := declare(one, c.a)
				declare(two, c.b)
				pass(10 * 24 * time.Hour)
				if c.same {
					if all := one.count() + two.count(); all != 20 {
						t.Errorf("there were %d runs, want 20:\n%s\n%s", all, one.times(), two.times())
					}
				} else if one.count() > 0 || two.count() != 20 {
					t.Errorf("the first to declare ran\n%s\nand the last\n%s", one.times(), two.times())
				}
				for _, label := range []string{"a", "b"} {
					got, err := a.Get(label)
					must(t, err)
					if (got.Err == nil) != c.same {
						t.Errorf("%s is %q, and its error %v", label, got.Timing, got.Err)
					}
					if got.Err != nil && !strings.Contains(got.Err.Error(), "with In for the time zone") {
						t.Errorf("the error is %v", got.Err)
					}
				}
			})
		})
	}
}

// TestTheZoneOfTheMachine has the name of its zone, where the machine has one.
func TestTheZoneOfTheMachine(t *testing.T) {
	timing := func(loc *time.Location) string {
		return made(t)(schedule.New(quiet).Cron("@daily", (&job{}).pipeline(), schedule.In(loc))).Timing
	}
	europe := zoneOf(t, "Local", "CET-1CEST,M3.5.0,M10.5.0/3", 3600)
	t.Setenv("TZ", ":Europe/Berlin")
	named := loaded(t, "Europe/Berlin")
	want(t, "by its name", timing(named), "cron @daily in Europe/Berlin")
	// Berlin has had this rule since before 2000.
	want(t, "as that of the machine", timing(europe), "cron @daily in Europe/Berlin")
	t.Setenv("TZ", "/usr/share/zoneinfo/Europe/Berlin")
	want(t, "by its file", timing(europe), "cron @daily in Europe/Berlin")
	t.Setenv("TZ", "Asia/Tokyo") // set since the program started
	if got := timing(europe); !strings.HasPrefix(got, "cron @daily in UTC+01:00/+02:00#") {
		t.Errorf("by its changes: %s", got)
	}
	want(t, "without changes", timing(zoneOf(t, "Local", "IST-5:30", 19800)), "cron @daily in UTC+05:30")
	if got := timing(time.Local); strings.Contains(got, "Local") {
		t.Errorf("the machine's: %s", got)
	}
}

// TestTheEndOfALeapYear, where package time ends a zone a day early if its changes
// follow a rule.
func TestTheEndOfALeapYear(t *testing.T) {
	for _, loc := range []*time.Location{zoneOf(t, "Local", "CET-1CEST,M3.5.0,M10.5.0/3", 3600), zoneOf(t, "Local", "AEST-10AEDT,M10.1.0,M4.1.0/3", 36000)} {
		bubble(t, func(t *testing.T) {
			from := time.Date(2028, time.December, 29, 12, 0, 0, 0, time.UTC)
			s := begin(t, &schedule.Memory{}, func(s *schedule.Scheduler) {
				made(t)(s.Cron("@hourly", (&job{}).pipeline(), schedule.Label("a"), schedule.In(loc), schedule.From(from)))
			})
			times, err := s.Next("a", 100)
			must(t, err)
			for i, at := range times {
				if due := from.Add(time.Duration(i) * time.Hour); !at.Equal(due) {
					t.Fatalf("fire time %d is %v, want %v", i, at, due.In(loc))
				}
			}
		})
	}
}

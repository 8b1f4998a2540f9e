package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// firings are the fire times of an expression after one time and up to another, as
// wall-clock times with their zone's abbreviation.
func firings(t testing.TB, expression, from, to string, loc *time.Location) []time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, from)
	if err != nil {
		t.Fatal(err)
	}
	end, err := time.Parse(time.RFC3339, to)
	if err != nil {
		t.Fatal(err)
	}
	when, err := cronTiming(expression, loc)
	if err != nil {
		t.Fatal(err)
	}
	var times []time.Time
	for {
		next := when.next(at, time.Time{})
		if next.IsZero() || next.After(end) {
			return times
		}
		if !next.After(at) {
			t.Fatalf("%q: after %v comes %v", expression, at, next)
		}
		times, at = append(times, next), next
	}
}

// The instants were worked out by hand from the changes of the clocks:
//
//	America/New_York     2026-03-08 02:00 EST → 03:00 EDT, 2026-11-01 02:00 EDT → 01:00 EST
//	Europe/Berlin        2026-03-29 02:00 CET → 03:00 CEST, 2026-10-25 03:00 CEST → 02:00 CET
//	Asia/Beirut          2026-03-29 00:00 EET → 01:00 EEST, 2026-10-25 00:00 EEST → 23:00 EET the day before
//	America/Sao_Paulo    2018-11-04 00:00 -03 → 01:00 -02, 2019-02-17 00:00 -02 → 23:00 -03 the day before
//	Australia/Lord_Howe  2026-04-05 02:00 +11 → 01:30 +1030, 2026-10-04 02:00 +1030 → 02:30 +11
func TestChangesOfTheClocks(t *testing.T) {
	for _, c := range []struct {
		zone, expression, from, to string
		want                       string // instants in UTC
	}{
		// 02:30 does not exist on the 8th: the clocks are changed at 07:00 UTC.
		{"America/New_York", "30 2 * * *", "2026-03-07T00:00:00-05:00", "2026-03-10T00:00:00-04:00",
			"2026-03-07T07:30:00Z 2026-03-08T07:00:00Z 2026-03-09T06:30:00Z"},
		// Three times in the gap are one.
		{"America/New_York", "0,20,40 2 * * *", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00",
			"2026-03-08T07:00:00Z"},
		// The end of the gap and a time in it are one.
		{"America/New_York", "30 2,3 * * *", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			"2026-03-08T07:00:00Z 2026-03-08T07:30:00Z"},
		{"America/New_York", "0 2,3 * * *", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			"2026-03-08T07:00:00Z"},
		// 01:30 comes twice on the 1st: in EDT at 05:30 UTC, and in EST at 06:30 UTC.
		{"America/New_York", "30 1 * * *", "2026-10-31T00:00:00-04:00", "2026-11-03T00:00:00-05:00",
			"2026-10-31T05:30:00Z 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z"},
		// 02:00 comes once, in EST.
		{"America/New_York", "0 2 * * *", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00",
			"2026-11-01T07:00:00Z"},
		// Asked for in the second of the two hours.
		{"America/New_York", "30 1 * * *", "2026-11-01T01:10:00-05:00", "2026-11-03T00:00:00-05:00",
			"2026-11-02T06:30:00Z"},
		// Every hour is an interval: no hour is left out and none is run twice.
		{"America/New_York", "30 * * * *", "2026-03-08T00:00:00-05:00", "2026-03-08T04:00:00-04:00",
			"2026-03-08T05:30:00Z 2026-03-08T06:30:00Z 2026-03-08T07:30:00Z"},
		{"America/New_York", "*/30 * * * *", "2026-11-01T00:45:00-04:00", "2026-11-01T02:00:00-05:00",
			"2026-11-01T05:00:00Z 2026-11-01T05:30:00Z 2026-11-01T06:00:00Z 2026-11-01T06:30:00Z 2026-11-01T07:00:00Z"},
		{"America/New_York", "@hourly", "2026-11-01T00:30:00-04:00", "2026-11-01T02:00:00-05:00",
			"2026-11-01T05:00:00Z 2026-11-01T06:00:00Z 2026-11-01T07:00:00Z"},

		{"Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00",
			"2026-03-28T01:30:00Z 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00",
			"2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"},
		{"Europe/Berlin", "15 30 2 29 3 *", "2026-01-01T00:00:00+01:00", "2027-12-31T00:00:00+01:00",
			"2026-03-29T01:00:00Z 2027-03-29T00:30:15Z"},
		{"Europe/Berlin", "0 */2 * * *", "2026-10-24T23:00:00+02:00", "2026-10-25T05:00:00+01:00",
			"2026-10-24T22:00:00Z 2026-10-25T00:00:00Z 2026-10-25T03:00:00Z"},

		// The day begins at one o'clock.
		{"Asia/Beirut", "@daily", "2026-03-28T12:00:00+02:00", "2026-03-30T12:00:00+03:00",
			"2026-03-28T22:00:00Z 2026-03-29T21:00:00Z"},
		{"Asia/Beirut", "30 0 * * SUN", "2026-03-28T12:00:00+02:00", "2026-04-06T00:00:00+03:00",
			"2026-03-28T22:00:00Z 2026-04-04T21:30:00Z"},
		// 23:30 comes twice on Saturday the 24th, and midnight once.
		{"Asia/Beirut", "30 23 * * *", "2026-10-24T12:00:00+03:00", "2026-10-26T12:00:00+02:00",
			"2026-10-24T20:30:00Z 2026-10-25T21:30:00Z"},
		{"Asia/Beirut", "0 0 * * *", "2026-10-24T12:00:00+03:00", "2026-10-26T12:00:00+02:00",
			"2026-10-24T22:00:00Z 2026-10-25T22:00:00Z"},

		{"America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00-03:00", "2018-11-05T12:00:00-02:00",
			"2018-11-04T03:00:00Z 2018-11-05T02:00:00Z"},
		{"America/Sao_Paulo", "30 0 4 * *", "2018-11-03T12:00:00-03:00", "2018-12-05T12:00:00-02:00",
			"2018-11-04T03:00:00Z 2018-12-04T02:30:00Z"},
		{"America/Sao_Paulo", "45 23 * * *", "2019-02-16T12:00:00-02:00", "2019-02-18T12:00:00-03:00",
			"2019-02-17T01:45:00Z 2019-02-18T02:45:00Z"},
		{"America/Sao_Paulo", "0 0 * * *", "2019-02-16T12:00:00-02:00", "2019-02-18T12:00:00-03:00",
			"2019-02-17T03:00:00Z 2019-02-18T03:00:00Z"},

		// Half an hour: 02:15 does not exist on 4 October, and 01:45 comes twice on 5 April.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00+10:30", "2026-10-06T00:00:00+11:00",
			"2026-10-02T15:45:00Z 2026-10-03T15:30:00Z 2026-10-04T15:15:00Z"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00+11:00", "2026-04-07T00:00:00+10:30",
			"2026-04-03T14:45:00Z 2026-04-04T14:45:00Z 2026-04-05T15:15:00Z"},
		{"Australia/Lord_Howe", "*/15 * * * *", "2026-04-05T01:15:00+11:00", "2026-04-05T02:00:00+10:30",
			"2026-04-04T14:30:00Z 2026-04-04T14:45:00Z 2026-04-04T15:00:00Z 2026-04-04T15:15:00Z 2026-04-04T15:30:00Z"},

		// Intervals do not look at the clocks.
		{"Europe/Berlin", "@every 12h", "0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z",
			"0001-01-01T12:00:00Z 0001-01-02T00:00:00Z"},
	} {
		t.Run(c.zone+" "+c.expression, func(t *testing.T) {
			var got []string
			for _, at := range firings(t, c.expression, c.from, c.to, zone(t, c.zone)) {
				got = append(got, at.UTC().Format(time.RFC3339))
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
		})
	}
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ expression, want string }{ // the first after Wed 2026-11-25 00:00 UTC
		{"0 2 * * *", "2026-11-25 02:00:00 2026-11-26 02:00:00"},
		{"*/20 * * * *", "2026-11-25 00:20:00 2026-11-25 00:40:00"},
		{"5-15/5 6 * * *", "2026-11-25 06:05:00 2026-11-25 06:10:00 2026-11-25 06:15:00"},
		{"30 0 0 * * *", "2026-11-25 00:00:30 2026-11-26 00:00:30"},
		{"0 9 * * MON-FRI", "2026-11-25 09:00:00 2026-11-26 09:00:00 2026-11-27 09:00:00 2026-11-30 09:00:00"},
		{"0 9 * * fri-mon", "2026-11-27 09:00:00 2026-11-28 09:00:00 2026-11-29 09:00:00 2026-11-30 09:00:00"},
		{"0 0 * * 7", "2026-11-29 00:00:00 2026-12-06 00:00:00"},
		{"0 0 * * THU", "2026-11-26 00:00:00"},
		{"0 0 * * 0", "2026-11-29 00:00:00 2026-12-06 00:00:00"},
		{"0 0 * * 5-7", "2026-11-27 00:00:00 2026-11-28 00:00:00 2026-11-29 00:00:00 2026-12-04 00:00:00"},
		{"0 0 1 jan,Jul *", "2027-01-01 00:00:00 2027-07-01 00:00:00"},
		{"0 0 L * *", "2026-11-30 00:00:00 2026-12-31 00:00:00"},
		{"0 0 15W * *", "2026-12-15 00:00:00 2027-01-15 00:00:00"},
		{"0 0 LW * *", "2026-11-30 00:00:00 2026-12-31 00:00:00 2027-01-29 00:00:00"},
		{"0 0 * * MON#2", "2026-12-14 00:00:00 2027-01-11 00:00:00"},
		{"0 0 * * FRI#L", "2026-11-27 00:00:00 2026-12-25 00:00:00 2027-01-29 00:00:00"},
		{"0 0 13 * 5", "2026-11-27 00:00:00 2026-12-04 00:00:00 2026-12-11 00:00:00 2026-12-13 00:00:00"},
		{"0 0 29 2 *", "2028-02-29 00:00:00 2032-02-29 00:00:00"},
		{"0 0 ? * 1", "2026-11-30 00:00:00"},
		{"@yearly", "2027-01-01 00:00:00"},
		{"@annually", "2027-01-01 00:00:00"},
		{"@monthly", "2026-12-01 00:00:00"},
		{"@weekly", "2026-11-29 00:00:00"},
		{"@daily", "2026-11-26 00:00:00"},
		{"@midnight", "2026-11-26 00:00:00"},
		{" @Hourly ", "2026-11-25 01:00:00"},
		{"\t0  2 * * * ", "2026-11-25 02:00:00"},
	} {
		when, err := cronTiming(c.expression, time.UTC)
		if err != nil {
			t.Errorf("%q: %v", c.expression, err)
			continue
		}
		at := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
		var got []string
		for range strings.Count(c.want, ":") / 2 {
			at = when.next(at, at)
			got = append(got, at.Format(time.DateTime))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%q\ngot  %s\nwant %s", c.expression, text, c.want)
		}
	}
	when, err := cronTiming("@every 90s", time.UTC)
	if at := time.Unix(1000, 0); err != nil || when.next(at, at).Sub(at) != 90*time.Second {
		t.Errorf("@every 90s: got %v, %v", when.next(at, at).Sub(at), err)
	}
}

func TestBadExpressionsNameTheFieldAndTheReason(t *testing.T) {
	for _, c := range []struct {
		expression string
		want       []string
	}{
		{"60 * * * *", []string{`minute field "60"`, "above maximum (59)", "0-59"}},
		{"0 24 * * *", []string{`hour field "24"`, "above maximum (23)"}},
		{"0 0 32 * *", []string{`day of month field "32"`, "31"}},
		{"0 0 0 * *", []string{`day of month field "0"`, "below minimum (1)"}},
		{"0 0 * 13 *", []string{`month field "13"`, "JAN-DEC"}},
		{"0 0 * janu *", []string{`month field "janu"`, "JAN-DEC"}},
		{"0 0 * * 8", []string{`day of week field "8"`, "0 and 7 being Sunday"}},
		{"0 0 * * MON#6", []string{`day of week field "MON#6"`, "1-5"}},
		{"61 0 0 * * *", []string{`second field "61"`}},
		{"*/0 * * * *", []string{`minute field "*/0"`, "positive"}},
		{"1,,2 * * * *", []string{`minute field "1,,2"`, "empty"}},
		{", * * * *", []string{`minute field ","`, "empty"}},
		{"*-5 * * * *", []string{`minute field "*-5"`}},
		{"1-2-3 * * * *", []string{`minute field "1-2-3"`, "hyphens"}},
		{"99999999999999999999 * * * *", []string{"minute field"}},
		{"* * *", []string{"found 3", "5 fields"}},
		{"", []string{"found 0"}},
		{"* * * * * * *", []string{"found 7"}},
		{"0 0 31 2 *", []string{"no day of the calendar", `"31"`, `"2"`}},
		{"@dayly", []string{`"@dayly"`, "@daily"}},
		{"@every", []string{"@every 90s"}},
		{"@every soon", []string{`"soon"`, "@every 90s"}},
		{"@every 0s", []string{"1ms or more"}},
		{"@every -5m", []string{"1ms or more"}},
		{"CRON_TZ=UTC 0 0 * * *", []string{"option In"}},
		{"H * * * *", []string{`minute field "H"`}},
		{strings.Repeat("1,", 2000) + "1 * * * *", []string{"at most 1000"}},
	} {
		_, err := cronTiming(c.expression, time.UTC)
		if err == nil {
			t.Errorf("%.40q: expected an error", c.expression)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%.40q: %v\ndoes not say %q", c.expression, err, want)
			}
		}
	}
}

// A bad expression never panics or hangs, and a good one only goes forward.
func FuzzCron(f *testing.F) {
	for _, s := range []string{"0 2 * * *", "*/5 1-3,7 L * MON#2", "0 0 29 2 *", "@every 90s", "@daily", "0 0 31 2 *",
		"1-59/7 22-2 LW JAN-MAR/2 fri-mon", "CRON_TZ=x * * * * *", ", , , , ,", "0 0 L-30 2 *", "59 59 23 31 12 7"} {
		f.Add(s, int64(1793500000), uint8(0))
	}
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Asia/Beirut", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"} {
		zones = append(zones, zone(f, name))
	}
	f.Fuzz(func(t *testing.T, expression string, second int64, at uint8) {
		loc := zones[int(at)%len(zones)]
		when, err := cronTiming(expression, loc)
		if err != nil {
			if when.next != nil || err.Error() == "" {
				t.Fatalf("%q: an error without a reason, or with a timing", expression)
			}
			return
		}
		from := time.Unix(second%(1<<33), 0)
		before := from
		for range 5 {
			next := when.next(before, from)
			if next.IsZero() {
				t.Fatalf("%q in %v: nothing after %v", expression, loc, before)
			}
			if !next.After(before) {
				t.Fatalf("%q in %v: %v comes after %v", expression, loc, next, before)
			}
			// Nothing lies in between.
			if again := when.next(next.Add(-1), from); !again.Equal(next) {
				t.Fatalf("%q in %v: after %v comes %v, and just before that %v", expression, loc, before, next, again)
			}
			before = next
		}
	})
}

// The wall-clock times of a zone's changes, tried from all sides: what a clock shows at
// the instant of a time is that time, or the time was left out.
func TestInstantsOfWallClockTimes(t *testing.T) {
	for _, c := range []struct{ zone, day string }{
		{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
		{"Asia/Beirut", "2026-03-29"}, {"Asia/Beirut", "2026-10-25"},
		{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2019-02-17"},
		{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
		{"Pacific/Apia", "2011-12-30"}, // was left out as a whole
		{"UTC", "2026-01-01"},
	} {
		loc := zone(t, c.zone)
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		first := map[string]time.Time{}
		for at := day.Add(-48 * time.Hour); at.Before(day.Add(72 * time.Hour)); at = at.Add(time.Minute) {
			if shown := at.In(loc).Format(time.DateTime); first[shown].IsZero() {
				first[shown] = at
			}
		}
		left := []string{}
		for wall := day.Add(-12 * time.Hour); wall.Before(day.Add(36 * time.Hour)); wall = wall.Add(time.Minute) {
			got := instantOf(wall, loc)
			if want, shown := first[wall.Format(time.DateTime)]; shown {
				if !got.Equal(want) {
					t.Errorf("%s: %v is at %v, want %v", c.zone, wall, got, want)
				}
				continue
			}
			left = append(left, wall.Format("15:04"))
			if before := wallOf(got.Add(-1), loc); !before.Before(wall) || !wall.Before(wallOf(got, loc)) {
				t.Errorf("%s: %v, which no clock shows, is put to %v", c.zone, wall, got)
			}
		}
		if strings.Contains(fmt.Sprint(c), "03-08") && !slices.Equal(left[:1], []string{"02:00"}) {
			t.Errorf("%s: left out are %v", c.zone, left)
		}
	}
}

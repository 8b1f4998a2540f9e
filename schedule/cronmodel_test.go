package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A field of the model is its text, and the values that it means.
type modelField struct {
	text   string
	values map[int]bool
	star   bool // it is * or ?, and so restricts nothing
}

func drawField(t *rapid.T, name string, lo, hi int, names []string) modelField {
	if rapid.IntRange(0, 2).Draw(t, name+" star") == 0 {
		f := modelField{text: "*", values: map[int]bool{}, star: true}
		for v := lo; v <= hi; v++ {
			f.values[v] = true
		}
		return f
	}
	f := modelField{values: map[int]bool{}}
	var items []string
	write := func(v int) string {
		if names != nil && rapid.Bool().Draw(t, name+" by name") {
			return names[v-lo]
		}
		return strconv.Itoa(v)
	}
	for range rapid.IntRange(1, 3).Draw(t, name+" items") {
		a := rapid.IntRange(lo, hi).Draw(t, name+" from")
		switch rapid.IntRange(0, 3).Draw(t, name+" kind") {
		case 0:
			items = append(items, write(a))
			f.values[a] = true
		case 1:
			b := rapid.IntRange(a, hi).Draw(t, name+" to")
			items = append(items, write(a)+"-"+write(b))
			for v := a; v <= b; v++ {
				f.values[v] = true
			}
		case 2:
			b := rapid.IntRange(a, hi).Draw(t, name+" to")
			step := rapid.IntRange(1, max(1, b-a)).Draw(t, name+" step")
			items = append(items, fmt.Sprintf("%d-%d/%d", a, b, step))
			for v := a; v <= b; v += step {
				f.values[v] = true
			}
		case 3:
			step := rapid.IntRange(2, (hi-lo)/2+1).Draw(t, name+" step")
			items = append(items, fmt.Sprintf("*/%d", step))
			for v := lo; v <= hi; v += step {
				f.values[v] = true
			}
		}
	}
	f.text = strings.Join(items, ",")
	return f
}

// A modelSpec is an expression as a naive reader understands it.
type modelSpec struct{ minute, hour, day, month, weekday modelField }

func (m modelSpec) String() string {
	return strings.Join([]string{m.minute.text, m.hour.text, m.day.text, m.month.text, m.weekday.text}, " ")
}

func (m modelSpec) matches(wall time.Time) bool {
	day, weekday := m.day.values[wall.Day()], m.weekday.values[int(wall.Weekday())]
	onDay := day || weekday
	if m.day.star || m.weekday.star {
		onDay = day && weekday
	}
	return onDay && m.minute.values[wall.Minute()] && m.hour.values[wall.Hour()] && m.month.values[int(wall.Month())]
}

// walk goes through real time minute by minute, and looks at the clock at each. What
// the clock leaves out is made up for at that minute, and what it shows again is not
// looked at; but not for expressions of every hour, which take every minute as it is.
func (m modelSpec) walk(from, to time.Time, loc *time.Location) []time.Time {
	hourly := len(m.hour.values) == 24
	var fires []time.Time
	shown := from.Add(-time.Minute).In(loc) // the latest that the clock has shown
	latest := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), 0, 0, time.UTC)
	for at := from; !at.After(to); at = at.Add(time.Minute) {
		local := at.In(loc)
		wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		if hourly {
			if m.matches(wall) {
				fires = append(fires, at)
			}
			continue
		}
		due := false
		for ; latest.Before(wall); due = due || m.matches(latest) {
			latest = latest.Add(time.Minute)
		}
		if due {
			fires = append(fires, at)
		}
	}
	return fires
}

var months = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
var weekdays = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

// TestFireTimesAgreeWithANaiveModel compares the fire times of random expressions in
// random zones, around changes of the clocks and elsewhere, with those of walk.
func TestFireTimesAgreeWithANaiveModel(t *testing.T) {
	changes := []struct {
		zone string
		days []string
	}{
		{"America/New_York", []string{"2026-03-08", "2026-11-01", "2026-06-15"}},
		{"Europe/Berlin", []string{"2026-03-29", "2026-10-25"}},
		{"Asia/Beirut", []string{"2026-03-29", "2026-10-25", "2020-10-25"}},
		{"America/Sao_Paulo", []string{"2018-11-04", "2019-02-17"}},
		{"Australia/Lord_Howe", []string{"2026-04-05", "2026-10-04"}},
		{"Pacific/Apia", []string{"2011-12-30"}},
		{"Asia/Kathmandu", []string{"2026-02-28"}},
		{"UTC", []string{"2026-12-31"}},
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(changes).Draw(t, "zone")
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, rapid.SampledFrom(c.days).Draw(t, "day"))
		if err != nil {
			t.Fatal(err)
		}
		m := modelSpec{
			minute:  drawField(t, "minute", 0, 59, nil),
			hour:    drawField(t, "hour", 0, 23, nil),
			day:     drawField(t, "day", 1, 31, nil),
			month:   drawField(t, "month", 1, 12, months),
			weekday: drawField(t, "weekday", 0, 6, weekdays),
		}
		// Most changes are at night, and few expressions would be.
		if rapid.Bool().Draw(t, "at night") {
			m.hour = drawField(t, "night", 0, 3, nil)
			if m.hour.star {
				m.hour.text = "0-3"
			} else if strings.Contains(m.hour.text, "*") {
				return // in the text a star goes up to 23
			}
			m.month, m.day, m.weekday = drawnStar(1, 12), drawnStar(1, 31), drawnStar(0, 6)
		}
		from := day.Add(-30 * time.Hour).Add(time.Duration(rapid.IntRange(0, 24*60).Draw(t, "start")) * time.Minute)
		to := from.Add(72 * time.Hour)
		// The model begins where the clock shows a time for the first time.
		for instantOf(wallOf(from, loc), loc).Before(from) {
			from = from.Add(30 * time.Minute)
		}
		spec, err := parseCron(m.String())
		if err != nil {
			if strings.Contains(err.Error(), "no day of the calendar") {
				return
			}
			t.Fatalf("%v: %v", m, err)
		}
		var got []time.Time
		for at := spec.after(from.Add(-1), loc); !at.IsZero() && !at.After(to); at = spec.after(at, loc) {
			got = append(got, at)
		}
		want := m.walk(from, to, loc)
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%v in %v after %v\ngot  %v\nwant %v", m, loc, from, short(got, loc), short(want, loc))
		}
	})
}

func drawnStar(lo, hi int) modelField {
	f := modelField{text: "*", values: map[int]bool{}, star: true}
	for v := lo; v <= hi; v++ {
		f.values[v] = true
	}
	return f
}

func short(times []time.Time, loc *time.Location) []string {
	var texts []string
	for _, at := range times[:min(len(times), 60)] {
		texts = append(texts, at.In(loc).Format("2 Jan 15:04 MST"))
	}
	return texts
}

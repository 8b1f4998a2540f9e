package schedule

import (
	"fmt"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"
)

// A cronSpec is a parsed cron expression.
type cronSpec struct {
	text   string
	hourly bool // every hour of the day matches
	next   func(wall time.Time) time.Time
}

// searchYears is how far ahead a match is looked for. A fifth Monday in February
// comes at most 40 years after another.
const searchYears = 50

// parser knows five fields, and six with the seconds in front. Days of the month and
// of the week that are both given are alternatives, as in every cron.
var parser = cron.MustNewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month |
	cron.Dow | cron.Extended | cron.DowOrDom).WithMaxSearchYears(searchYears)

// fields are the fields of an expression with seconds.
var fields = []struct{ name, takes string }{
	{"second", "0-59"},
	{"minute", "0-59"},
	{"hour", "0-23"},
	{"day of month", "1-31, L, L-3, 15W or LW"},
	{"month", "1-12 or JAN-DEC"},
	{"day of week", "0-7 or SUN-SAT, both 0 and 7 being Sunday, FRI#2 or FRI#L"},
}

// named are the expressions with a name.
var named = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

// every begins an expression that is an interval.
const every = "@every "

// maxExpression is the longest expression that is looked at.
const maxExpression = 1000

// parseCron parses an expression other than an interval.
func parseCron(text string) (*cronSpec, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed", len(text), maxExpression)
	}
	expression := strings.TrimSpace(text)
	if strings.HasPrefix(expression, "@") {
		long, ok := named[strings.ToLower(expression)]
		if !ok {
			return nil, fmt.Errorf("there is no %q: use @yearly, @monthly, @weekly, @daily, @hourly, or @every and a duration, as in @every 90s", expression)
		}
		expression = long
	}
	words := strings.Fields(expression)
	if len(words) > 0 && strings.Contains(words[0], "TZ=") {
		return nil, fmt.Errorf("%q is no field: give the time zone with the option In", words[0])
	}
	if len(words) != 5 && len(words) != 6 {
		return nil, fmt.Errorf("expected 5 fields (minute, hour, day of month, month, day of week) or 6 with the second in front, found %d", len(words))
	}
	if len(words) == 5 {
		words = append([]string{"0"}, words...)
	}
	for i, word := range words {
		if err := checkField(i, word); err != nil {
			return nil, fmt.Errorf("%s field %q: %w; it takes %s, with *, lists, ranges and steps", fields[i].name, word, err, fields[i].takes)
		}
	}
	spec, err := parse(words)
	if err != nil {
		return nil, err
	}
	c := &cronSpec{text: strings.Join(strings.Fields(text), " "), next: spec.Next, hourly: spec.Hour&(1<<24-1) == 1<<24-1}
	// In any stretch of that many years each day of the calendar has been on each day of
	// the week.
	if c.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("no day of the calendar matches: day of month %q, month %q, day of week %q", words[3], words[4], words[5])
	}
	return c, nil
}

// checkField parses a field by itself, so that an error can be told of it.
func checkField(i int, word string) error {
	for item := range strings.SplitSeq(word, ",") {
		// The parser skips the one and takes the other for a star.
		if item == "" {
			return fmt.Errorf("an item of the list is empty")
		}
		if len(item) > 1 && (item[0] == '*' || item[0] == '?') && item[1] != '/' {
			return fmt.Errorf("%q stands behind the %q of an item", item[1:], item[:1])
		}
	}
	alone := []string{"0", "0", "0", "*", "*", "*"}
	alone[i] = word
	_, err := parse(alone)
	return err
}

// parse has the library parse six fields. It keeps a panic of it from the program. In
// capitals the H of THU would count as one of its extensions.
func parse(words []string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it cannot be read: %v", v)
		}
	}()
	parsed, err := parser.Parse(strings.ToLower(strings.Join(words, " ")))
	if err != nil {
		return nil, err
	}
	return parsed.(*cron.SpecSchedule), nil
}

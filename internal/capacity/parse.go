package capacity

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// expected is the error of a text that is not what was expected.
func expected(what string, found []byte) error {
	const most = 40
	if len(found) > most {
		found = found[:most]
	}
	return fmt.Errorf("expected %s, found %q", what, found)
}

// parseInt parses a decimal number of 0 or more.
func parseInt(text []byte) (int64, error) {
	n, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil {
		return 0, expected("a number of 0 or more", text)
	}
	return int64(n), nil
}

// parseAmount parses a number of bytes on a line of its own.
func parseAmount(text []byte) (int64, error) { return parseInt(bytes.TrimSpace(text)) }

// noLimit is from where on a limit of version 1 is none: the kernel writes the largest
// number that its pages give.
const noLimit = 1 << 60

// parseLimit parses a limit in bytes, Unknown for none: the word max in version 2, a huge
// number in version 1.
func parseLimit(text []byte) (int64, error) {
	text = bytes.TrimSpace(text)
	if string(text) == "max" {
		return Unknown, nil
	}
	n, err := parseInt(text)
	switch {
	case err != nil || n == 0:
		return 0, expected(`"max" or a number of bytes above 0`, text)
	case n >= noLimit:
		return Unknown, nil
	}
	return n, nil
}

// parseField returns the function that parses the number after key, which begins a line.
// The unit kB is 1024.
func parseField(key string) func([]byte) (int64, error) {
	return func(text []byte) (int64, error) {
		for line := range bytes.Lines(text) {
			rest, ok := bytes.CutPrefix(line, []byte(key))
			if !ok || len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
				continue
			}
			rest, kilo := bytes.CutSuffix(bytes.TrimSpace(rest), []byte(" kB"))
			n, err := parseInt(rest)
			if err != nil || kilo && n > math.MaxInt64/1024 {
				return 0, expected("a number after "+key, rest)
			}
			if kilo {
				n *= 1024
			}
			return n, nil
		}
		return 0, fmt.Errorf("expected a line that begins with %s, found none", key)
	}
}

// parseQuota parses the file cpu.max: microseconds of each period, or the word max. No
// quota is 0 processors.
func parseQuota(text []byte) (float64, error) {
	words := strings.Fields(string(text))
	if len(words) > 0 && words[0] == "max" {
		return 0, nil
	}
	if len(words) == 2 {
		quota, err := parseInt([]byte(words[0]))
		period, err2 := parseInt([]byte(words[1]))
		if err == nil && err2 == nil && quota > 0 && period > 0 {
			return float64(quota) / float64(period), nil
		}
	}
	return 0, expected(`"max" or a quota and a period in µs`, bytes.TrimSpace(text))
}

// parseQuotaV1 parses the file cpu.cfs_quota_us, in microseconds. No quota is -1 there
// and 0 here.
func parseQuotaV1(text []byte) (int64, error) {
	text = bytes.TrimSpace(text)
	if string(text) == "-1" {
		return 0, nil
	}
	n, err := parseInt(text)
	if err != nil || n == 0 {
		return 0, expected("-1 or a quota in µs", text)
	}
	return n, nil
}

// parsePeriodV1 parses the file cpu.cfs_period_us.
func parsePeriodV1(text []byte) (int64, error) {
	n, err := parseAmount(text)
	if err != nil || n == 0 {
		return 0, expected("a period in µs", bytes.TrimSpace(text))
	}
	return n, nil
}

// mostProcessors is more than any machine has.
const mostProcessors = 1 << 20

// parseList counts the processors of a list such as 0-3,8.
func parseList(text []byte) (int, error) {
	text = bytes.TrimSpace(text)
	count := int64(0)
	for part := range bytes.SplitSeq(text, []byte(",")) {
		low, high, isRange := bytes.Cut(part, []byte("-"))
		if !isRange {
			high = low
		}
		first, err := parseInt(low)
		last, err2 := parseInt(high)
		if err != nil || err2 != nil || first > last || last >= mostProcessors {
			return 0, expected("a list of processors such as 0-3,8", text)
		}
		count += last - first + 1
	}
	return int(min(count, mostProcessors)), nil
}

// parseAllowed counts the processors that /proc/self/status allows.
func parseAllowed(text []byte) (int, error) {
	const key = "Cpus_allowed_list:"
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
			return parseList(rest)
		}
	}
	return 0, fmt.Errorf("expected a line that begins with %s, found none", key)
}

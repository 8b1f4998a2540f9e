package capacity

import (
	"strings"
	"testing"
)

func TestParseNumbers(t *testing.T) {
	for _, c := range []struct {
		what  string
		parse func([]byte) (int64, error)
		text  string
		want  int64 // when err is ""
		err   string
	}{
		{"a limit", parseLimit, "max\n", Unknown, ""},
		{"a limit", parseLimit, "1048576\n", 1048576, ""},
		{"a huge limit of pages of 4 KiB", parseLimit, "9223372036854771712\n", Unknown, ""},
		{"a huge limit of pages of 64 KiB", parseLimit, "9223372036854710272\n", Unknown, ""},
		{"a limit of nothing", parseLimit, "0\n", 0, `expected "max" or a number of bytes above 0, found "0"`},
		{"a limit with a unit", parseLimit, "1G\n", 0, `expected "max" or a number of bytes above 0, found "1G"`},
		{"a negative limit", parseLimit, "-1\n", 0, `found "-1"`},
		{"a limit that overflows", parseLimit, "9223372036854775808\n", 0, `found "9223372036854775808"`},
		{"an empty file", parseLimit, "", 0, `found ""`},
		{"a long text is cut", parseLimit, strings.Repeat("x", 100), 0, `found "` + strings.Repeat("x", 40) + `"`},
		{"a field", parseField("inactive_file"), "total_inactive_file 1\ninactive_files 2\ninactive_file 3\n", 3, ""},
		{"a field in kB", parseField("MemTotal:"), "MemTotal:       24684096 kB\n", 24684096 << 10, ""},
		{"a field without a line end", parseField("VmData:"), "VmData:\t7", 7, ""},
		{"a field that overflows", parseField("MemTotal:"), "MemTotal: 9007199254740993 kB", 0, "expected a number after MemTotal:"},
		{"a field that is missing", parseField("MemTotal:"), "MemFree: 1 kB\n", 0, "expected a line that begins with MemTotal:, found none"},
		{"a quota", parseQuotaV1, "150000\n", 150000, ""},
		{"no quota", parseQuotaV1, "-1\n", 0, ""},
		{"a quota of nothing", parseQuotaV1, "0\n", 0, `expected -1 or a quota in µs, found "0"`},
		{"a period of nothing", parsePeriodV1, "0\n", 0, `expected a period in µs, found "0"`},
		{"a soft limit", parseDataLimit, "Max data size             1000            unlimited            bytes\n", 1000, ""},
		{"no soft limit", parseDataLimit, "Max data size             unlimited            unlimited            bytes\n", Unknown, ""},
		{"a soft limit of no number", parseDataLimit, "Max data size few", 0, `expected "unlimited" or a number after Max data size, found "few"`},
	} {
		got, err := c.parse([]byte(c.text))
		checkParsed(t, c.what, got, c.want, err, c.err)
	}
}

func TestParseShares(t *testing.T) {
	for _, c := range []struct {
		what  string
		parse func([]byte) (float64, error)
		text  string
		want  float64 // when err is ""
		err   string
	}{
		{"a quota", parseQuota, "150000 100000\n", 1.5, ""},
		{"no quota", parseQuota, "max 100000\n", 0, ""},
		{"a quota without a period", parseQuota, "150000\n", 0, `expected "max" or a quota and a period in µs, found "150000"`},
		{"a period of nothing", parseQuota, "150000 0\n", 0, `found "150000 0"`},
		{"a quota of nothing", parseQuota, "0 100000\n", 0, `found "0 100000"`},
		{"pressure", parsePressure, "some avg10=12.50 avg60=9.82 avg300=13.87 total=79447679\nfull avg10=99.00\n", 0.125, ""},
		{"pressure that is no number", parsePressure, "some avg10=NaN avg60=1", 0, `expected a percentage after avg10=, found "NaN"`},
		{"pressure above all time", parsePressure, "some avg10=101", 0, `found "101"`},
		{"no pressure", parsePressure, "", 0, `expected some avg10=, found ""`},
		{"a load above the processors", parseLoadAverage(2), "8.00 1 1 1/2 3\n", 0.75, ""},
		{"a load as large as the processors", parseLoadAverage(2), "2.00 1 1 1/2 3\n", 0, ""},
		{"a load that is no number", parseLoadAverage(2), "NaN 1 1", 0, `expected a load average of 0 or more, found "NaN"`},
		{"an endless load", parseLoadAverage(2), "+Inf 1 1", 0, `found "+Inf"`},
	} {
		got, err := c.parse([]byte(c.text))
		checkParsed(t, c.what, got, c.want, err, c.err)
	}
}

func TestParseLists(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       int // when err is ""
		err        string
	}{
		{"one", "0\n", 1, ""},
		{"ranges", " \t0-3,8,10-11\n", 7, ""},
		{"none", "\n", 0, `expected a list of processors such as 0-3,8, found ""`},
		{"backwards", "3-0", 0, `found "3-0"`},
		{"open", "0-", 0, `found "0-"`},
		{"more than there can be", "0-99999999", 0, `found "0-99999999"`},
		{"again and again", strings.Repeat("0-1048575,", 5) + "0", mostProcessors, ""},
	} {
		got, err := parseList([]byte(c.text))
		checkParsed(t, c.what, got, c.want, err, c.err)
	}
}

func checkParsed[T comparable](t *testing.T, what string, got, want T, err error, wantErr string) {
	t.Helper()
	switch {
	case wantErr == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case wantErr == "" && got != want:
		t.Errorf("%s: got %v, want %v", what, got, want)
	case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
		t.Errorf("%s: got %v and error %v, want an error with %s", what, got, err, wantErr)
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`/plain`:              `/plain`,
		`/a\040b\011\012\134`: "/a b\t\n\\",
		`/a\04`:               `/a\04`,
		`/a\09x0`:             `/a\09x0`,
		`\`:                   `\`,
	} {
		if got := unescape(text); got != want {
			t.Errorf("unescape(%q) = %q, want %q", text, got, want)
		}
	}
}

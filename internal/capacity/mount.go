package capacity

import (
	"slices"
	"strings"
)

// mount is a place where a hierarchy of control groups is mounted.
type mount struct {
	root        string // the group that the mount shows at its top
	point       string // the directory
	unified     bool   // version 2
	controllers string // of version 1, among other options, joined by commas
}

// parseMounts parses /proc/self/mountinfo, whose lines are
//
//	36 35 98:0 /root /point rw,noatime master:1 - type source rw,options
//
// with any number of words before the hyphen. It returns the first error beside what it
// understood, and only the mounts of control groups.
func parseMounts(text []byte) (mounts []mount, err error) {
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(kind) > 0 && kind[0] != "cgroup" && kind[0] != "cgroup2" {
			continue
		}
		if len(place) < 6 || len(kind) < 3 || !strings.HasPrefix(place[3], "/") || !strings.HasPrefix(place[4], "/") {
			if err == nil {
				err = expected("a mount", []byte(strings.TrimSuffix(line, "\n")))
			}
			continue
		}
		m := mount{root: unescape(place[3]), point: unescape(place[4]), unified: kind[0] == "cgroup2"}
		if !m.unified {
			m.controllers = kind[len(kind)-1]
		}
		mounts = append(mounts, m)
	}
	return mounts, err
}

// below returns the path of a group below the mount, and whether the mount shows it. Both
// paths start at the root of the control group namespace and may climb from there, as in
// /../other.
func (m mount) below(member string) (string, bool) {
	rest, ok := strings.CutPrefix(member, strings.TrimSuffix(m.root, "/"))
	if !ok || rest != "" && rest[0] != '/' || slices.Contains(strings.Split(rest, "/"), "..") {
		return "", false
	}
	return rest, true
}

// unescape undoes what mountinfo does to blanks and backslashes in paths: \040 is a space.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return '0' <= c && c <= '7' }

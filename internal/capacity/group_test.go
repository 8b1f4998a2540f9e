package capacity

import (
	"slices"
	"testing"
)

// Which directories are looked in, and in which order.
func TestGroups(t *testing.T) {
	const unified = "33 32 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	for _, c := range []struct {
		what, members, mounts string
		want                  []string
	}{
		{"the root", "0::/\n", unified, []string{"sys/fs/cgroup"}},
		{"up to the root", "0::/a/b\n", unified, []string{"sys/fs/cgroup/a/b", "sys/fs/cgroup/a", "sys/fs/cgroup"}},
		{"a path with colons", "0::/a:b\n", unified, []string{"sys/fs/cgroup/a:b", "sys/fs/cgroup"}},
		{"above the namespace", "0::/../b\n", unified, []string{"sys/fs/cgroup"}},
		{
			"a mount that shows it and hides what is above", "0::/a/b/c\n",
			"1 2 0:28 /a/b /x rw - cgroup2 c rw\n", []string{"x/c", "x"},
		},
		{
			"a name that only begins alike", "0::/ab\n",
			"1 2 0:28 /a /x rw - cgroup2 c rw\n", []string{"x"},
		},
		{
			"the mount that shows most", "0::/a/b\n",
			"1 2 0:28 /a/b /own rw - cgroup2 c rw\n" + unified + "1 2 0:28 /elsewhere /y rw - cgroup2 c rw\n",
			[]string{"sys/fs/cgroup/a/b", "sys/fs/cgroup/a", "sys/fs/cgroup"},
		},
		{
			"the last of equal mounts", "0::/a\n",
			unified + "1 2 0:28 / /last rw - cgroup2 c rw\n", []string{"last/a", "last"},
		},
		{
			"both above a namespace", "0::/../b/c\n",
			"1 2 0:28 /../b /x rw - cgroup2 c rw\n", []string{"x/c", "x"},
		},
		{
			"the hierarchy of the controller", "3:cpu:/c\n2:memory,pids:/m\n1:name=systemd:/s\n",
			"1 2 0:1 / /cpu rw master:1 - cgroup cgroup rw,cpu\n1 2 0:2 / /mem rw - cgroup cgroup rw,memory,pids\n",
			[]string{"mem/m", "mem"},
		},
		{"no mount", "0::/a\n", "", nil},
		{"no group", "", unified, nil},
	} {
		members, err := parseMembers([]byte(c.members))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		mounts, err := parseMounts([]byte(c.mounts))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		var got []string
		for _, g := range (groups{members, mounts}).of("memory") {
			got = append(got, g.dir)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

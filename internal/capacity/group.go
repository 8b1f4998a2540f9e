package capacity

import (
	"path"
	"slices"
	"strings"
)

// group is a control group that limits the process: one it is in, or one above that.
type group struct {
	dir     string // as a tree names it, such as sys/fs/cgroup/user.slice
	unified bool   // of version 2
}

func (g group) file(name string) string { return path.Join(g.dir, name) }

// groups tells which control groups the process is in, and where their files are.
type groups struct {
	members []member
	mounts  []mount
}

// member is the group of the process in one hierarchy: a line of /proc/self/cgroup.
type member struct {
	controllers string // joined by commas; none in the unified hierarchy of version 2
	path        string // below the root of the control group namespace
}

// usualMounts is where the hierarchies are by convention.
var usualMounts = []mount{
	{root: "/", point: "/sys/fs/cgroup", unified: true},
	{root: "/", point: "/sys/fs/cgroup/cpu", controllers: "cpu"},
	{root: "/", point: "/sys/fs/cgroup/memory", controllers: "memory"},
}

// readGroups reads both lists. Lines that it cannot understand are left out and reported.
func readGroups(t *tree) (groups, []error) {
	const membersFile, mountsFile = "proc/self/cgroup", "proc/self/mountinfo"
	var g groups
	var errs []error
	text, err := t.read(membersFile)
	if err != nil {
		return g, []error{err}
	}
	if g.members, err = parseMembers(text); err != nil {
		errs = append(errs, fileError(membersFile, err))
	}
	text, err = t.read(mountsFile)
	if err != nil {
		g.mounts = usualMounts
		return g, append(errs, err)
	}
	if g.mounts, err = parseMounts(text); err != nil {
		errs = append(errs, fileError(mountsFile, err))
	}
	return g, errs
}

// parseMembers parses /proc/self/cgroup. It returns the first error beside what it
// understood.
func parseMembers(text []byte) (members []member, err error) {
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		// A path may have colons of its own.
		parts := strings.SplitN(line, ":", 3)
		if len(parts) < 3 || !strings.HasPrefix(parts[2], "/") {
			if err == nil {
				err = expected("hierarchy:controllers:/path", []byte(line))
			}
			continue
		}
		members = append(members, member{controllers: parts[1], path: parts[2]})
	}
	return members, err
}

// of returns the groups that may have limits of controller, those that the process is in
// before those above them. Where some controllers are still in hierarchies of version 1,
// the groups of version 2 are among them: they have no files for these controllers.
func (g groups) of(controller string) []group {
	var found []group
	for _, m := range g.members {
		unified := m.controllers == ""
		if !unified && !listed(m.controllers, controller) {
			continue
		}
		point, below, ok := g.find(m.path, unified, controller)
		if !ok {
			continue
		}
		for {
			dir := strings.TrimPrefix(path.Join(point, below), "/")
			found = append(found, group{dir: dir, unified: unified})
			if below == "" || below == "/" {
				break
			}
			below = path.Dir(below)
		}
	}
	return found
}

// find returns where a hierarchy is mounted, and the path of the group below that. Of
// several mounts it is the one that shows the most groups above, and of those the last,
// which hides the others. A mount that does not show the group may still be all that a
// container has: its root is the container's group then, by another name.
func (g groups) find(member string, unified bool, controller string) (point, below string, found bool) {
	shown := false
	for _, m := range g.mounts {
		if m.unified != unified || !unified && !listed(m.controllers, controller) {
			continue
		}
		rest, ok := m.below(member)
		if !found || ok && (!shown || len(rest) >= len(below)) {
			point, below, shown, found = m.point, rest, ok, true
		}
	}
	return point, below, found
}

// listed tells whether name is among the names that list joins with commas.
func listed(list, name string) bool { return slices.Contains(strings.Split(list, ","), name) }

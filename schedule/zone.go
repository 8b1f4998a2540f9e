package schedule

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"time"
)

// zoneText tells a time zone from others, for all programs that share a store. The name
// of a location does not: "Local" is another zone on each machine, and anybody may give
// a name to [time.FixedZone]. So a name is taken where the tz database has that very
// zone under it, one without changes is its offset, and what is left is told by the sum
// of its changes.
//
// Machines whose databases are of different years agree on a name.
func zoneText(loc *time.Location) string {
	changes := changesOf(loc)
	if changes == changesOf(time.UTC) {
		return "UTC"
	}
	name := loc.String()
	if name == local {
		name = localName()
	}
	if name != "" && name != local { // these two stand for others
		if known, err := time.LoadLocation(name); err == nil && changesOf(known) == changes {
			return name
		}
	}
	if !strings.Contains(changes, ",") {
		return "UTC" + changes
	}
	h := fnv.New64a()
	h.Write([]byte(changes))
	winter, summer := time.Date(2026, time.January, 1, 0, 0, 0, 0, loc), time.Date(2026, time.July, 1, 0, 0, 0, 0, loc)
	return fmt.Sprintf("UTC%s/%s#%016x", offsetOf(winter), offsetOf(summer), h.Sum64())
}

// local is the name of [time.Local], unless the program has set it to another.
const local = "Local"

// The changes of a zone are looked at in this time, which is that of schedules.
var zonesFrom, zonesUntil = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)

// changesOf are the offset of a zone and all that it is changed to, with the instants.
func changesOf(loc *time.Location) string {
	at := zonesFrom.In(loc)
	last := offsetOf(at)
	text := last
	for {
		at = zoneEnd(at)
		if at.IsZero() || !at.Before(zonesUntil) {
			return text
		}
		if now := offsetOf(at); now != last { // else only the name has changed
			text += fmt.Sprintf(",%d%s", at.Unix(), now)
			last = now
		}
	}
}

// offsetOf is the offset of a time from UTC, as in +05:30.
func offsetOf(t time.Time) string {
	if _, offset := t.Zone(); offset%60 != 0 {
		return t.Format("-07:00:00")
	}
	return t.Format("-07:00")
}

// localName is what the machine calls its zone, as package time looks for it: by TZ, or
// by where /etc/localtime leads to. Empty is no name; one that is wrong is found out.
func localName() string {
	name, set := os.LookupEnv("TZ")
	if !set {
		name, _ = os.Readlink("/etc/localtime") // or it is a copy of a file, and has no name
	}
	name = strings.TrimPrefix(name, ":")
	if _, inside, ok := strings.Cut(name, "zoneinfo/"); ok {
		return inside
	}
	return name
}

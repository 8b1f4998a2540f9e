package natsbroker

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/runnelflow/runnel/broker"
)

// names are those of streams and subjects. A name of the user's is a token of its
// own: it may have any characters and any length.
type names struct{ ns string }

// token is a name as one part of a subject: the same for the same name, and
// different for others.
func token(name string) string {
	plain := name != "" && len(name) <= 40 && name[0] != '~' && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
	if plain {
		return name
	}
	return "~" + digest([]byte(name))[:22]
}

// digest is the SHA-256 sum of data, in the letters of a subject.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (n names) stream(what string) string { return n.ns + "-" + what }

func (n names) all(what string) string { return n.ns + "." + what + ".>" }

// queue is the filter of a consumer: the jobs of one queue and priority.
func (n names) queue(queue string, p broker.Priority) string {
	return n.ns + ".job." + token(queue) + "." + strconv.Itoa(level(p)) + ".>"
}

// job is where a job is queued: no second one with its ID can be.
func (n names) job(j *broker.Job) string {
	return n.ns + ".job." + token(j.Queue) + "." + strconv.Itoa(level(j.Priority)) + "." + token(j.Run) + "." + unit(j.ID())
}

func (n names) jobsOf(run string) string { return n.ns + ".job.*.*." + token(run) + ".*" }

// unit is the token of a job's ID.
func unit(id string) string { return digest([]byte(id))[:22] }

func (n names) run(run string) string      { return n.ns + ".run." + token(run) + ".>" }
func (n names) done(run, id string) string { return n.ns + ".run." + token(run) + ".done." + unit(id) }
func (n names) doneOf(run string) string   { return n.ns + ".run." + token(run) + ".done.*" }
func (n names) stopped(run, id string) string {
	return n.ns + ".run." + token(run) + ".stopped." + unit(id)
}
func (n names) stoppedOf(run string) string  { return n.ns + ".run." + token(run) + ".stopped.*" }
func (n names) end(run string) string        { return n.ns + ".run." + token(run) + ".end" }
func (n names) ends() string                 { return n.ns + ".run.*.end" }
func (n names) got(run, id string) string    { return n.gotUnit(run, unit(id)) }
func (n names) gotUnit(run, u string) string { return n.ns + ".got." + token(run) + "." + u }
func (n names) gotOf(run string) string      { return n.ns + ".got." + token(run) + ".*" }
func (n names) worker(id string) string      { return n.ns + ".worker." + token(id) }
func (n names) dead(run, id string) string   { return n.ns + ".dead." + token(run) + "." + unit(id) }

func (n names) value(run, ref string, chunk int) string {
	return n.ns + ".value." + token(run) + "." + ref + "." + strconv.Itoa(chunk)
}
func (n names) valuesOf(run string) string { return n.ns + ".value." + token(run) + ".>" }

// level is a priority as a token: 0 goes first.
func level(p broker.Priority) int {
	switch {
	case p > broker.Normal:
		return 0
	case p < broker.Normal:
		return 2
	}
	return 1
}

// priorities are all there are, those that go first in front.
var priorities = [...]broker.Priority{broker.High, broker.Normal, broker.Low}

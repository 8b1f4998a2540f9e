package natsbroker

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
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

// job is where a parcel is queued: no second one with its jobs can be.
func (n names) job(p *parcel) string {
	j := p.jobs[0]
	return n.ns + ".job." + token(j.Queue) + "." + strconv.Itoa(level(j.Priority)) + "." + token(j.Run) + "." + p.token
}

func (n names) jobsOf(run string) string { return n.ns + ".job.*.*." + token(run) + ".*" }

// unit is the token of a job's ID.
func unit(id string) string { return digest([]byte(id))[:22] }

func (n names) run(run string) string    { return n.ns + ".run." + token(run) + ".>" }
func (n names) done(p *parcel) string    { return n.ns + ".run." + token(p.run) + ".done." + p.token }
func (n names) doneOf(run string) string { return n.ns + ".run." + token(run) + ".done.*" }
func (n names) stopped(p *parcel) string {
	return n.ns + ".run." + token(p.run) + ".stopped." + p.token
}
func (n names) stoppedOf(run string) string  { return n.ns + ".run." + token(run) + ".stopped.*" }
func (n names) end(run string) string        { return n.ns + ".run." + token(run) + ".end" }
func (n names) ends() string                 { return n.ns + ".run.*.end" }
func (n names) got(p *parcel) string         { return n.gotUnit(p.run, p.token) }
func (n names) gotUnit(run, u string) string { return n.ns + ".got." + token(run) + "." + u }
func (n names) gotOf(run string) string      { return n.ns + ".got." + token(run) + ".*" }
func (n names) worker(id string) string      { return n.ns + ".worker." + token(id) }
func (n names) dead(run, id string) string   { return n.ns + ".dead." + token(run) + "." + unit(id) }

func (n names) deadOf(run string) string { return n.ns + ".dead." + token(run) + ".*" }

func (n names) value(run, ref string, chunk int) string {
	return n.ns + ".value." + token(run) + "." + ref + "." + strconv.Itoa(chunk)
}

// kept is the state of a run that is kept, and part what belongs to it.
func (n names) kept(run string) string     { return n.keptOf(token(run)) }
func (n names) keptOf(token string) string { return n.ns + ".kept." + token + ".state" }
func (n names) part(run, ref string, chunk int) string {
	return n.ns + ".kept." + token(run) + ".part." + ref + "." + strconv.Itoa(chunk)
}
func (n names) parts(run string) string { return n.ns + ".kept." + token(run) + ".part.>" }
func (n names) partsOf(run, ref string) string {
	return n.ns + ".kept." + token(run) + ".part." + ref + ".*"
}

func (n names) valuesOf(run string) string { return n.ns + ".value." + token(run) + ".>" }

// direct is where the inbox of a run is told or asked something.
func (n names) direct(run, what string) string { return n.ns + ".direct." + token(run) + "." + what }

// schedule is where the state of a schedule is. Its label can be told from that, also
// when the message cannot be read.
func (n names) schedule(label string) string {
	return n.ns + ".schedule." + strings.ReplaceAll(url.PathEscape(label), ".", "%2E")
}

// labelOf is the label that a subject names.
func labelOf(subject string) (label string, ok bool) {
	label, err := url.PathUnescape(lastPart(subject))
	return label, err == nil
}

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

package broker

import (
	"fmt"
	"strings"
	"time"
)

// A LostClaim is a claim on a run that ran out: its owner has died or was cut off.
type LostClaim struct {
	Owner string
	At    time.Time // when the owner was heard of last
}

// GivenUp is how a run ends that was taken over too often: as failed, of kind [Undone],
// with the story of its owners.
func GivenUp(run string, lost []LostClaim) *Outcome {
	var b strings.Builder
	fmt.Fprintf(&b, "broker: run %q was given up: it was driven %d times, and each time who drove it died or was cut off, with no new result in between:", run, len(lost))
	o := &Outcome{State: "failed", Ended: time.Now()}
	for i, c := range lost {
		if i == 0 {
			o.Started = c.At
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s until %s", c.Owner, c.At.UTC().Format(time.RFC3339))
	}
	b.WriteString("; see what ended them, then open it again, as \"runnel runs retry\" does")
	o.Failure = &Failure{Text: b.String(), Kind: Undone, Permanent: true}
	return o
}

// IsGivenUp reports whether a run has ended by [GivenUp]: it is driven again only when
// somebody opens it again.
func (o *Outcome) IsGivenUp() bool { return o.Failure != nil && o.Failure.Kind == Undone }

package natsbroker

import (
	"context"
	"time"
)

// The end of a run that is not kept removes all that there is of it. The news of it takes
// a moment to each worker, and what that writes meanwhile is behind the mark: whoever
// wrote it removes it.

// recorded is the last result of a run that this process has recorded.
type recorded struct {
	run string
	seq uint64 // its place
	at  time.Time
}

// noteLate notes the place of a result, and reports whether it may count: the run has not
// ended, as far as this process knows.
func (b *Broker) noteLate(run string, seq uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.ended[token(run)]; m != nil && !m.Keep {
		return false
	}
	b.late[token(run)] = recorded{run, seq, time.Now()}
	if len(b.late) >= 1024 { // of runs that are lost nobody tells the end
		for run, r := range b.late {
			if time.Since(r.at) > b.markTime() {
				delete(b.late, run)
			}
		}
	}
	return true
}

// removeLate removes what was written for a run after its end.
func (b *Broker) removeLate(ctx context.Context, run string) error {
	for what, filter := range map[string]string{
		"runs": b.names.doneOf(run), "got": b.names.gotOf(run), "values": b.names.valuesOf(run),
	} {
		if err := b.purge(ctx, what, filter); err != nil {
			return err
		}
	}
	return nil
}

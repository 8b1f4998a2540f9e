package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// history is how long tasks took in an earlier run, by name.
type history map[string]past

type past struct {
	took     time.Duration
	elements int // of a mapped task
}

// readHistory reads the report of an earlier run, as --report writes it.
func readHistory(file string) (history, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var report struct {
		Tasks []struct {
			Name     string
			State    string
			Seconds  float64 `json:"duration_seconds"`
			Elements *struct{ Tasks int }
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("%s is not the JSON report of a run, as --report %s writes it: %w", file, quote(file), err)
	}
	h := history{}
	for _, t := range report.Tasks {
		if t.State != runnel.Succeeded.String() {
			continue // it may have taken longer, or not have come to its end
		}
		p := past{took: time.Duration(t.Seconds * float64(time.Second))}
		if t.Elements != nil {
			p.elements = t.Elements.Tasks
		}
		h[t.Name] = p
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("%s has no task that succeeded: it is not the JSON report of a run, as --report %s writes it, or nothing can be told from it", file, quote(file))
	}
	return h, nil
}

// expected estimates the time of the whole run: the time until now and the
// longest path of what remains, or all that remains shared among so many slots
// if that is more (0: no limit). A task that runs for elements is estimated from
// those that have ended, any other from the history. ok is false while something
// that remains is not known.
func (p *progress) expected(g *dag.Graph, h history, slots int, now time.Time) (d time.Duration, ok bool) {
	if len(h) == 0 && p.counts[runnel.Pending] > 0 {
		return 0, false // nothing is known of what has not begun
	}
	ok = true
	sum := 0.0
	cost := func(n *dag.Node) float64 {
		r := p.byName[n.Name]
		if r == nil || r.state.Ended() {
			return 0
		}
		left, known := r.left(now)
		if before, there := h[n.Name]; !known && there {
			took := before.took
			if before.elements > 0 && r.elements > 0 {
				took = time.Duration(float64(took) * float64(r.elements) / float64(before.elements))
			}
			left, known = took-r.elapsed(now), true
		}
		ok = ok && known
		left = max(left, 0)
		sum += float64(left)
		return float64(left)
	}
	_, longest := g.CriticalPath(cost)
	if !ok {
		return 0, false
	}
	if slots > 0 {
		longest = max(longest, sum/float64(slots))
	}
	return now.Sub(p.started) + time.Duration(longest), true
}

package runnel

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel/broker"
)

// Submit has a run done elsewhere and does not wait for it: it checks inputs and
// options as [Pipeline.Run] does, and leaves the run with the broker, where a
// [Coordinator] takes it up that has the pipeline. [Pipeline.Attach] waits for it.
//
// It needs [WithBroker] with a broker that keeps runs. Without a [RunID] the run gets a
// random one. To submit again what is kept already does nothing, whatever has become of
// it, if graph and inputs are the same; otherwise it is a [*ChangedError], unless
// [AllowChanges]. What belongs to a process cannot be handed over: Observe, Intercept,
// WithCache, Timings, DirectResults, and inputs that are sequences.
func (p *Pipeline) Submit(ctx context.Context, in Values, opts ...RunOption) (runID string, err error) {
	q, err := p.request(ctx, in, opts)
	if err != nil {
		return "", err
	}
	c := &q.config
	if c.direct {
		c.problem("Submit and DirectResults contradict each other: a run with DirectResults is lost with the process that submits it: drop the option, or call Run")
		c.direct = false // that is said
	}
	if c.id == "" {
		c.id = newRunID()
	}
	k, keeps := c.broker.(broker.Keeper)
	if !keeps {
		c.problem("Submit: %s", noKeeper(c.broker))
	}
	c.refuse("Submit", "the run is driven by another process", len(c.interceptors) > 0, c.cache != nil, len(c.observers) > 0, c.untimed)
	if err := q.check(); err != nil {
		return "", err
	}
	asked := q.describeRun()
	kept, err := k.Open(ctx, clone(asked))
	if err != nil {
		return "", fmt.Errorf("runnel: run %s of %s cannot be kept by the broker: %w", asked.ID, pipelineLabel(asked.Pipeline), err)
	}
	change, err := compareRuns(q.built, kept, asked, c.changes)
	if err != nil {
		return "", err
	}
	if change != nil {
		if err := reopen(ctx, k, asked, kept, change); err != nil {
			return "", fmt.Errorf("runnel: run %s of %s cannot be changed: %w: wait for its end by Attach, or cancel it", asked.ID, pipelineLabel(asked.Pipeline), err)
		}
	}
	return asked.ID, nil
}

// noKeeper says why a broker does not do.
func noKeeper(b broker.Broker) string {
	if b == nil {
		return "it needs a broker: give WithBroker one that keeps runs, such as that of package natsbroker"
	}
	return fmt.Sprintf("the broker, a %T, does not keep runs: give WithBroker one that does, such as that of package natsbroker", b)
}

// refuse reports options that a call cannot have, and why.
func (c *runConfig) refuse(caller, why string, intercepts, cache, observes, untimed bool) {
	for _, o := range []struct {
		name  string
		given bool
	}{{"Intercept", intercepts}, {"WithCache", cache}, {"Observe", observes}, {"Timings", untimed}} {
		if o.given {
			c.problem("%s: %s is of no use, since %s: drop it, or give it to those that do", caller, o.name, why)
		}
	}
}

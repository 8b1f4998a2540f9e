package runnel

import (
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/broker"
)

// A Coordinator drives runs that nobody drives: those that [Pipeline.Submit] left with
// the broker, and those whose process has died or was stopped. Several share the runs
// of a broker. It does no tasks, which is what a [Worker] is for; one process may have
// both. A run that ends those who drive it is given up by the broker, see
// [broker.Keeper]. It is safe for concurrent use.
type Coordinator struct {
	keeper broker.Keeper
	config *coordinatorConfig
	id     string
	graphs map[runKind]*built
	others map[string][]*built // by the pipeline's name
	err    error
}

// runKind tells apart what a coordinator can drive.
type runKind struct{ pipeline, graph string }

// NewCoordinator makes a coordinator of pipelines and options:
//
//	runnel.NewCoordinator(b, pipeline, runnel.Concurrency(10)).Run(ctx)
//
// It drives the runs of pipelines that have the same name and graph. Mistakes are
// reported by [Coordinator.Build] and [Coordinator.Run]. A pipeline is taken as it is
// now.
func NewCoordinator(b broker.Broker, options ...CoordinatorOption) *Coordinator {
	c := &Coordinator{config: &coordinatorConfig{}, id: newOwner(), graphs: map[runKind]*built{}, others: map[string][]*built{}}
	for i, o := range options {
		if v := reflect.ValueOf(o); o == nil || v.Kind() == reflect.Pointer && v.IsNil() {
			c.config.problem("option %d of %d is nil: drop it", i+1, len(options))
			continue
		}
		o.applyCoordinator(c.config)
	}
	keeper, keeps := b.(broker.Keeper)
	if c.keeper = keeper; !keeps {
		c.config.problem("%s", keeperOf(b))
	}
	for _, p := range c.config.pipelines {
		c.add(p, b)
	}
	if len(c.config.pipelines) == 0 {
		c.config.problem("it has no pipelines: give it those whose runs it is to drive")
	}
	if len(c.config.problems) > 0 {
		c.err = &BuildError{Problems: c.config.problems, what: "the coordinator"}
	}
	return c
}

func keeperOf(b broker.Broker) string {
	if b == nil {
		return "the broker is nil: give the one that runs are given by WithBroker"
	}
	return fmt.Sprintf("the broker, a %T, does not keep runs: give one that does, such as that of package natsbroker", b)
}

// add takes a pipeline. The same one may come twice.
func (c *Coordinator) add(p *Pipeline, b broker.Broker) {
	g, err := p.build()
	if err != nil {
		c.config.problem("%v", err)
		return
	}
	kind := runKind{p.Name(), graphOf(g.nodes())}
	if other := c.graphs[kind]; other != nil {
		if other != g {
			c.config.problem("two pipelines are called %q and have the same graph: give one of them another name with PipelineName", p.Name())
		}
		return
	}
	check := runConfig{broker: b}
	check.checkBroker(g.whole)
	c.config.problems = append(c.config.problems, check.problems...)
	c.graphs[kind] = g
	c.others[p.Name()] = append(c.others[p.Name()], g)
}

// Build says what is wrong with the coordinator. The error is a [*BuildError].
func (c *Coordinator) Build() error { return c.err }

// ID begins the names of the owner of runs that the coordinator drives. It has the
// host's name and the process id in it, and differs from that of all others.
func (c *Coordinator) ID() string { return c.id }

package runnel

import (
	"context"
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/broker"
)

// modeOf is the error mode of a name.
func modeOf(name string) (ErrorMode, bool) {
	for m := FailFast; m <= SkipFailed; m++ {
		if m.String() == name {
			return m, true
		}
	}
	return 0, false
}

// adopt sets the options of a run to those that are kept.
func (c *runConfig) adopt(o *broker.RunOptions) {
	mode, known := modeOf(o.ErrorMode)
	if !known {
		c.problem("it is to end in error mode %q, which this version of the library has not", o.ErrorMode)
	}
	c.mode, c.targets, c.limit, c.limited, c.patience = mode, o.Targets, o.MaxParallel, o.Limited, o.AwaitWorkers
}

// inputsOf are the values of a run that is kept, as the graph takes them: its inputs,
// and those outputs that its process had already.
func (g *built) inputsOf(ctx context.Context, r *broker.Run) (in Values, given *DataCache, err error) {
	in = Values{}
	for _, i := range r.Inputs {
		typ := reflect.TypeFor[any]()
		from, made := g.producers[i.Name]
		e := g.externals[i.Name]
		switch {
		case made:
			typ = g.tasks[from.task].outputs[from.output].typ
		case e != nil:
			typ = e.natural()
		}
		v, err := valueOf(ctx, i.Value, typ)
		if err != nil {
			return nil, nil, fmt.Errorf("input %q: %w", i.Name, err)
		}
		if !made {
			in[i.Name] = v
			continue
		}
		if given == nil {
			given = NewDataCache()
		}
		given.Set(i.Name, v)
	}
	return in, given, nil
}

// natural is the type that a value of the input is best decoded as.
func (e *external) natural() reflect.Type {
	best := reflect.TypeFor[any]()
	for _, w := range e.wants {
		if t := nested(w.typ, w.axes()); best.Kind() == reflect.Interface {
			best = t
		}
	}
	return best
}

// valueOf takes a value out of its envelope.
func valueOf(ctx context.Context, v broker.Value, typ reflect.Type) (any, error) {
	if here, ok := v.(broker.Go); ok || v == nil {
		return here.V, nil
	}
	into := reflect.New(typ)
	if err := v.Decode(ctx, into.Interface()); err != nil {
		return nil, err
	}
	return into.Elem().Interface(), nil
}

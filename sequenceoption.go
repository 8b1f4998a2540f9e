package runnel

// A StepOption sets something about one step of a [Sequence]: every [TaskOption],
// [As] and [Bind], and [Arg], [Into] and [Spread].
type StepOption interface{ applyStep(*stepConfig) }

// stepConfig is what options say about a step.
type stepConfig struct {
	task     []TaskOption
	register []RegisterOption
	args     []stepArg
	into     string
	hasInto  bool
	spread   bool
	empty    bool // one of the options is nil
}

// stepArg is a constant for a parameter.
type stepArg struct {
	name  string
	value any
}

type stepOption func(*stepConfig)

func (o stepOption) applyStep(c *stepConfig) { o(c) }

func (o taskOption) applyStep(c *stepConfig)     { c.task = append(c.task, o) }
func (o retryOption) applyStep(c *stepConfig)    { c.task = append(c.task, o) }
func (o registerOption) applyStep(c *stepConfig) { c.register = append(c.register, o) }
func (n parallelOption) applyStep(c *stepConfig) { c.task = append(c.task, n) }

func configureStep(opts []StepOption) *stepConfig {
	c := &stepConfig{}
	for _, o := range opts {
		if o == nil {
			c.empty = true
			continue
		}
		o.applyStep(c)
	}
	return c
}

// Arg sets an input of a step to a constant: a parameter of a function, by the
// name that [Inputs] gives it, an input of a task, or an external input of a
// pipeline.
//
//	CallNext(scale, Inputs("signal", "factor"), Arg("factor", 2.5))
func Arg(name string, value any) StepOption {
	return stepOption(func(c *stepConfig) { c.args = append(c.args, stepArg{name, value}) })
}

// Into names the input of a step that takes the previous result, instead of the
// first.
func Into(name string) StepOption {
	return stepOption(func(c *stepConfig) { c.into, c.hasInto = name, true })
}

// Spread hands the results of the [Sequence.Group] before to one input each, in
// order, instead of as one slice.
//
//	Group(tempo, key).CallNext(describe, Spread()) // describe(tempo float64, key string)
func Spread() StepOption {
	return stepOption(func(c *stepConfig) { c.spread = true })
}

// GroupMember is a member of a group, with options of its own.
type GroupMember struct{ call stepCall }

// Member gives options to a member of a [Sequence.Group].
func Member(fn any, opts ...StepOption) GroupMember {
	return GroupMember{stepCall{at: stepPC(), fn: fn, opts: opts}}
}

// BranchCase is a case of a branch.
type BranchCase struct{ call stepCall }

// Case is a case of a [Sequence.Branch]: what to call, as in [Sequence.CallNext],
// if the predicate holds. The predicate is a function that takes the previous
// result, after an optional context, and returns a bool, or a bool and an error,
// which fails the branch.
func Case(predicate, fn any, opts ...StepOption) BranchCase {
	return BranchCase{stepCall{at: stepPC(), fn: fn, opts: opts, condition: predicate}}
}

// Otherwise is the last case of a [Sequence.Branch], which is called if no
// predicate holds.
func Otherwise(fn any, opts ...StepOption) BranchCase {
	return BranchCase{stepCall{at: stepPC(), fn: fn, opts: opts, otherwise: true}}
}

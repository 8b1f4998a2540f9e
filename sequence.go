package runnel

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
)

// A Sequence is a linear flow in the making: each step gets what the one before
// it returned. [Sequence.Build] makes a [Pipeline] of it, with the same graph,
// checks, reports and events as any other.
//
//	NewSequence().CallNext(load).Map(normalize).Filter(isLoud).CallNext(mean).Build()
//
// A step calls a function, a declared task, a *Pipeline or a *Sequence. A function
// takes the values that are named below, or none, after an optional context, and
// returns one value, or one and an error. Where a method takes options, every
// [TaskOption] counts for that step alone, and so do [As], [Bind], [Arg] and
// [Into]. A function of several parameters needs [Inputs], which names them: the
// previous result goes to the first, unless [Into] names another, constants to
// those that [Arg] names, and the others take data of their name, as inputs of
// tasks do: that of an earlier step, else an external input of the run.
//
// The inputs of the first step are external inputs: those of a task by their
// names, the parameter of a function as "input", or as [Inputs] names it.
//
// The result of the last step is data "result", unless As names it otherwise.
// Other steps produce data named like the function, the task's output or the
// pipeline, and function literals "step 2"; when that name is taken, the step's
// number is put behind it.
//
// Mistakes are reported by Build. A Sequence is not safe for concurrent use;
// what Build returned is, and does not change with the sequence.
type Sequence struct {
	opts  []PipelineOption
	steps []step
}

// step is one call to a method of a Sequence.
type step struct {
	method  string
	at      uintptr
	calls   []stepCall
	initial any // of Reduce
}

// stepCall is one thing that a step calls.
type stepCall struct {
	at        uintptr
	fn        any
	opts      []StepOption
	condition any  // of a case
	otherwise bool // a case without a condition
}

// NewSequence makes a sequence without steps. The options are those of its
// pipeline.
func NewSequence(opts ...PipelineOption) *Sequence { return &Sequence{opts: opts} }

// CallNext calls a function, a task or a pipeline with the previous result, and
// hands on what it returns: of a task with several outputs the first, of a
// pipeline the data "result", or else the only output that none of its tasks
// takes. The previous result goes to the first parameter, or the first field of
// the input struct, that [Arg] does not set, unless [Into] names another; to a
// pipeline, as the only input that it needs. A function without parameters is
// called after the previous step.
func (s *Sequence) CallNext(fn any, opts ...StepOption) *Sequence {
	return s.add(step{method: "CallNext", at: stepPC(), calls: []stepCall{{fn: fn, opts: opts}}})
}

// CallAfter is CallNext for a side effect: the previous result passes through to
// the next step, which waits until the side effect has succeeded. The function
// may return nothing, or only an error. Side effects at the end of a sequence that
// is a step of another are waited for by the step behind it; a result at the end of
// all is there whether they succeed or not.
func (s *Sequence) CallAfter(fn any, opts ...StepOption) *Sequence {
	return s.add(step{method: "CallAfter", at: stepPC(), calls: []stepCall{{fn: fn, opts: opts}}})
}

// Map calls a function for each element of the previous result, a slice, an array
// or an iter.Seq, and hands on a slice in the same order. It is a mapped task: an
// element of the next Map starts as soon as that element is ready, and retries,
// timeout and errors are those of an element. Other parameters take whole values.
func (s *Sequence) Map(fn any, opts ...StepOption) *Sequence {
	return s.add(step{method: "Map", at: stepPC(), calls: []stepCall{{fn: fn, opts: opts}}})
}

// Filter hands on the elements of the previous result for which the function
// returns true, a slice in the same order. It calls the function as Map does.
func (s *Sequence) Filter(keep any, opts ...StepOption) *Sequence {
	return s.add(step{method: "Filter", at: stepPC(), calls: []stepCall{{fn: keep, opts: opts}}})
}

// Reduce calls a function for each element of the previous result in order, with
// what it returned before, beginning with initial, and hands on what it returned
// last. Without elements that is initial. The function takes the accumulator and
// the element; it must not change what initial refers to, since each run and each
// attempt begins with it.
func (s *Sequence) Reduce(initial, fn any, opts ...StepOption) *Sequence {
	return s.add(step{method: "Reduce", at: stepPC(), initial: initial, calls: []stepCall{{fn: fn, opts: opts}}})
}

// Group calls its members in parallel, each with the previous result, and hands
// on a slice of their results, each in its member's slot: a []T for members that
// all return T, a []any for others, or a slice of what the next step takes, if
// every member fits. [Spread] hands them to one parameter each. Members are what
// CallNext takes, or that with options as a [Member].
//
// When a member fails, so does the group: the run's [ErrorMode] says what becomes
// of the other members, whose results can be had by name. A next step that takes
// a [Partial] gets those that are there, and the errors by slot. A group without
// members passes the previous result through.
func (s *Sequence) Group(members ...any) *Sequence {
	st := step{method: "Group", at: stepPC()}
	for _, m := range members {
		c, ok := m.(GroupMember)
		if !ok {
			c = GroupMember{stepCall{at: st.at, fn: m}}
		}
		st.calls = append(st.calls, c.call)
	}
	return s.add(st)
}

// Branch calls the first of its cases whose predicate holds for the previous
// result, with that result, and hands on what it returns. Predicates are called
// in order, up to the first that holds. When none does, and there is no
// [Otherwise], the steps that follow are skipped, which is no failure.
func (s *Sequence) Branch(cases ...BranchCase) *Sequence {
	st := step{method: "Branch", at: stepPC()}
	for _, c := range cases {
		st.calls = append(st.calls, c.call)
	}
	return s.add(st)
}

func (s *Sequence) add(st step) *Sequence {
	s.steps = append(s.steps, st)
	return s
}

// Build makes a pipeline of the steps by now. The error is a [*BuildError]: each
// problem names the step by its number and method, its function or task, and the
// file and line.
func (s *Sequence) Build() (*Pipeline, error) {
	p := NewPipeline(s.opts...)
	b := &sequencer{taken: map[string]bool{lastResult: true}, places: map[string]place{}}
	b.build(s.steps)
	if len(b.problems) > 0 {
		for _, text := range p.config.problems {
			b.problems = append(b.problems, Problem{Text: text})
		}
		return nil, &BuildError{Pipeline: p.config.name, Problems: b.problems}
	}
	if err := p.Add(b.tasks...).Build(); err != nil {
		return nil, b.inSteps(err)
	}
	p.effects = b.after
	return p, nil
}

// lastResult is the data that the last step produces.
const lastResult = "result"

// stepPC is where the exported function that calls it was called.
func stepPC() uintptr {
	var pc [1]uintptr
	runtime.Callers(3, pc[:])
	return pc[0]
}

// place is where in a sequence something stands.
type place struct {
	number int // of the step, from 1
	method string
	part   string // of the step: "member 2", or empty
	at     uintptr
}

func (p place) String() string {
	if p.part != "" {
		return fmt.Sprintf("step %d (%s, %s)", p.number, p.method, p.part)
	}
	return fmt.Sprintf("step %d (%s)", p.number, p.method)
}

// name is the name of a function literal that stands there.
func (p place) name() string {
	if p.part != "" {
		return fmt.Sprintf("step %d %s", p.number, p.part)
	}
	return fmt.Sprintf("step %d", p.number)
}

// location is the file and line of the call.
func (p place) location() string {
	frame, _ := runtime.CallersFrames([]uintptr{p.at}).Next()
	return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
}

// yields reports whether a step hands on something of its own.
func (s *step) yields() bool {
	return s.method != "CallAfter" && (s.method != "Group" || len(s.calls) > 0)
}

// lastYield is the index of the last step that hands on something of its own,
// or -1.
func lastYield(steps []step) int {
	for i := range slices.Backward(steps) {
		if steps[i].yields() {
			return i
		}
	}
	return -1
}

package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// errModel is the failure of every function that fails in a random sequence.
var errModel = errors.New("modelled failure")

// modelled is what a step hands on, as plain Go works it out: an int or a []int.
type modelled struct {
	v       any
	absent  bool
	holes   map[int]bool // of a mapped output: the elements that are missing
	members []modelled   // of a group, for a consumer that takes it as a Partial
	blocked bool         // a side effect has failed: the next step does not run
}

func (m modelled) missing() bool { return m.absent || len(m.holes) > 0 }

func (m modelled) list() []int { return m.v.([]int) }

// modelStep is a step of a random sequence and what it does.
type modelStep struct {
	text  string
	build func(*runnel.Sequence) *runnel.Sequence
	// run returns what the step hands on, and counts the calls that failed.
	run func(in modelled, failures *int) modelled
}

// modelFunc is a function that fails for some values, in plain Go.
type modelFunc struct{ factor, plus, bad int } // fails when the value is bad modulo 7

func (f modelFunc) String() string {
	return fmt.Sprintf("%d*x+%d, not %d mod 7", f.factor, f.plus, f.bad)
}

func (f modelFunc) call(n int) (int, error) {
	if mod(n, 7) == f.bad {
		return 0, errModel
	}
	return (f.factor*n + f.plus) % 1000, nil
}

func (f modelFunc) withContext(ctx context.Context, n int) (int, error) {
	if ctx == nil {
		panic("no context")
	}
	return f.call(n)
}

func mod(n, m int) int { return ((n % m) + m) % m }

// sequenceDraw draws the steps of a sequence.
type sequenceDraw struct {
	*rapid.T
	fails bool // functions may fail
	depth int
}

func (d sequenceDraw) int(low, high int, what string) int {
	return rapid.IntRange(low, high).Draw(d.T, what)
}

func (d sequenceDraw) fn() modelFunc {
	f := modelFunc{d.int(-3, 3, "factor"), d.int(-5, 5, "plus"), -1}
	if d.fails && d.int(0, 3, "fails") == 0 {
		f.bad = d.int(0, 6, "bad")
	}
	return f
}

// modelSequence is a random sequence from an int to an int or a []int.
type modelSequence struct {
	steps []modelStep
	list  bool // what it ends in
}

func (s *modelSequence) build(opts ...runnel.PipelineOption) *runnel.Sequence {
	seq := runnel.NewSequence(opts...)
	for _, st := range s.steps {
		seq = st.build(seq)
	}
	return seq
}

func (s *modelSequence) run(in modelled, failures *int) modelled {
	for _, st := range s.steps {
		in = st.run(in, failures)
	}
	return in
}

func (s *modelSequence) String() string {
	text := ""
	for _, st := range s.steps {
		text += "\n  " + st.text
	}
	return text
}

// sequence draws a sequence of some steps that ends in an int, if so wanted.
func (d sequenceDraw) sequence(most int, scalar bool) *modelSequence {
	s := &modelSequence{steps: []modelStep{d.next(d.fn())}}
	for range d.int(0, most, "steps") {
		if s.list {
			s.listStep(d)
		} else {
			s.intStep(d)
		}
	}
	if s.list && scalar {
		s.add(false, d.reduce())
	}
	return s
}

func (s *modelSequence) add(list bool, steps ...modelStep) {
	s.steps = append(s.steps, steps...)
	s.list = list
}

func (s *modelSequence) intStep(d sequenceDraw) {
	switch d.int(0, 9, "step") {
	case 0:
		s.add(false, d.next(d.fn()))
	case 1:
		s.add(false, d.constant())
	case 2:
		s.add(false, d.task(d.fn()))
	case 3:
		s.add(false, d.after(false))
	case 4, 5:
		s.add(true, spreadInto)
	case 6:
		s.add(false, d.branch(d.fns()))
	case 7:
		members := d.fns()
		s.add(true, d.group(members))
		switch then := d.int(0, 2, "then"); {
		case then == 1:
			s.add(false, partialSum)
		case then == 2 && len(members) == 2:
			s.add(false, spreadTwo)
		}
	case 8:
		s.add(false, emptyGroup)
	case 9:
		if d.depth > 0 {
			inner := d
			inner.depth--
			s.add(false, nestedStep(inner.sequence(3, true), d.int(0, 1, "as pipeline") == 1))
		}
	}
}

func (s *modelSequence) listStep(d sequenceDraw) {
	switch d.int(0, 7, "step") {
	case 0, 1:
		s.add(true, d.mapped(d.fn()))
		if d.int(0, 2, "then") == 0 {
			s.add(false, partialSum)
		}
	case 2:
		s.add(true, d.filter())
	case 3:
		s.add(false, d.reduce())
	case 4:
		s.add(true, reversed)
	case 5:
		s.add(true, d.after(true))
	case 6:
		s.add(true, asSequence, d.filter())
	case 7:
		s.add(true, emptyGroup)
	}
}

func (d sequenceDraw) fns() []modelFunc {
	all := make([]modelFunc, d.int(1, 3, "functions"))
	for i := range all {
		all[i] = d.fn()
	}
	return all
}

// whole makes a step of a function that takes all of what the step before handed
// on.
func whole(text string, build func(*runnel.Sequence) *runnel.Sequence, fn func(v any) (any, error)) modelStep {
	return modelStep{text, build, func(in modelled, failures *int) modelled {
		if in.blocked || in.missing() {
			return modelled{absent: true}
		}
		v, err := fn(in.v)
		if err != nil {
			*failures++
			return modelled{absent: true}
		}
		return modelled{v: v}
	}}
}

func (d sequenceDraw) next(f modelFunc) modelStep {
	var fn any = f.call
	if d.int(0, 1, "context") == 1 {
		fn = f.withContext
	}
	return whole("CallNext "+f.String(), func(s *runnel.Sequence) *runnel.Sequence { return s.CallNext(fn) },
		func(v any) (any, error) { return f.call(v.(int)) })
}

func minus(a, b int) int { return a - b }

// constant is a function of two parameters, one of them a constant.
func (d sequenceDraw) constant() modelStep {
	c := d.int(-9, 9, "constant")
	names := runnel.Inputs("a", "b")
	switch d.int(0, 2, "which") {
	case 0:
		return whole(fmt.Sprintf("x-%d", c), func(s *runnel.Sequence) *runnel.Sequence { return s.CallNext(minus, names, runnel.Arg("b", c)) },
			func(v any) (any, error) { return v.(int) - c, nil })
	case 1:
		return whole(fmt.Sprintf("%d-x", c), func(s *runnel.Sequence) *runnel.Sequence { return s.CallNext(minus, names, runnel.Arg("a", c)) },
			func(v any) (any, error) { return c - v.(int), nil })
	}
	return whole(fmt.Sprintf("%d-x, into", c), func(s *runnel.Sequence) *runnel.Sequence {
		return s.CallNext(minus, names, runnel.Into("b"), runnel.Arg("a", c))
	}, func(v any) (any, error) { return c - v.(int), nil })
}

func (d sequenceDraw) task(f modelFunc) modelStep {
	task := runnel.NewTask("made", func(_ context.Context, in struct{ N int }) (int, error) { return f.call(in.N) })
	return whole("task "+f.String(), func(s *runnel.Sequence) *runnel.Sequence { return s.CallNext(task) },
		func(v any) (any, error) { return f.call(v.(int)) })
}

// after is a side effect, which takes the value or nothing.
func (d sequenceDraw) after(list bool) modelStep {
	f := d.fn()
	digest := func(v any) int {
		if l, ok := v.([]int); ok {
			return len(l)
		}
		return v.(int)
	}
	var fn any = func(n int) error { _, err := f.call(n); return err }
	bare := d.int(0, 2, "bare") == 0
	switch {
	case bare:
		fn = func() error { _, err := f.call(0); return err }
	case list:
		fn = func(l []int) error { _, err := f.call(len(l)); return err }
	}
	return modelStep{fmt.Sprintf("CallAfter, bare %v, %v", bare, f), func(s *runnel.Sequence) *runnel.Sequence { return s.CallAfter(fn) },
		func(in modelled, failures *int) modelled {
			if in.blocked {
				return in
			}
			if in.missing() {
				in.blocked = true
				return in
			}
			n := digest(in.v)
			if bare {
				n = 0
			}
			if _, err := f.call(n); err != nil {
				*failures++
				in.blocked = true
			}
			return in
		}}
}

var (
	spreadInto = whole("CallNext upTo", func(s *runnel.Sequence) *runnel.Sequence {
		return s.CallNext(func(n int) []int { return upTo(mod(n, 6)) })
	}, func(v any) (any, error) { return upTo(mod(v.(int), 6)), nil })

	reversed = whole("CallNext reversed", func(s *runnel.Sequence) *runnel.Sequence {
		return s.CallNext(backwards)
	}, func(v any) (any, error) { return backwards(v.([]int)), nil })

	asSequence = whole("CallNext as iter.Seq", func(s *runnel.Sequence) *runnel.Sequence {
		return s.CallNext(func(l []int) iter.Seq[int] { return slices.Values(l) })
	}, func(v any) (any, error) { return v, nil })

	emptyGroup = modelStep{"Group()", func(s *runnel.Sequence) *runnel.Sequence { return s.Group() },
		func(in modelled, _ *int) modelled { return in }}

	// partialSum takes what there is behind a group or a Map, and counts the holes.
	partialSum = modelStep{"CallNext of a Partial", func(s *runnel.Sequence) *runnel.Sequence {
		return s.CallNext(func(p runnel.Partial[int]) int {
			sum := 1000 * len(p.Errs)
			for i, v := range p.Values {
				if p.Errs[i] == nil {
					sum += v
				} else if v != 0 {
					panic("a hole has a value")
				}
			}
			return sum
		})
	}, func(in modelled, _ *int) modelled {
		if in.blocked || in.absent && in.members == nil {
			return modelled{absent: true}
		}
		sum := 0
		for _, m := range in.members {
			if m.absent {
				sum += 1000
			} else {
				sum += m.v.(int)
			}
		}
		if in.members == nil {
			for i, v := range in.list() {
				if in.holes[i] {
					v = 1000
				}
				sum += v
			}
		}
		return modelled{v: sum}
	}}

	spreadTwo = whole("CallNext with Spread", func(s *runnel.Sequence) *runnel.Sequence {
		return s.CallNext(minus, runnel.Spread())
	}, func(v any) (any, error) { return v.([]int)[0] - v.([]int)[1], nil })
)

func backwards(l []int) []int {
	l = slices.Clone(l)
	slices.Reverse(l)
	return l
}

func (d sequenceDraw) group(members []modelFunc) modelStep {
	var fns []any
	for _, f := range members {
		if d.int(0, 1, "member") == 0 {
			fns = append(fns, f.call)
		} else {
			fns = append(fns, runnel.Member(f.call, runnel.Describe("a member")))
		}
	}
	return modelStep{fmt.Sprintf("Group %v", members), func(s *runnel.Sequence) *runnel.Sequence { return s.Group(fns...) },
		func(in modelled, failures *int) modelled {
			out := modelled{members: make([]modelled, len(members)), v: make([]int, len(members))}
			for i, f := range members {
				m := &out.members[i]
				if m.absent = in.blocked || in.missing(); !m.absent {
					v, err := f.call(in.v.(int))
					if err != nil {
						*failures++
					}
					m.v, m.absent = v, err != nil
					out.list()[i] = v
				}
				out.absent = out.absent || m.absent
			}
			return out
		}}
}

// branch has a case for each function but the last, which is for all others; with
// one function there may be no case.
func (d sequenceDraw) branch(fns []modelFunc) modelStep {
	var cases []runnel.BranchCase
	for i, f := range fns {
		if i > 0 && i == len(fns)-1 {
			cases = append(cases, runnel.Otherwise(f.call))
		} else {
			cases = append(cases, runnel.Case(func(n int) bool { return mod(n, 3) == i }, f.call))
		}
	}
	return modelStep{fmt.Sprintf("Branch %v", fns), func(s *runnel.Sequence) *runnel.Sequence { return s.Branch(cases...) },
		func(in modelled, failures *int) modelled {
			if in.blocked || in.missing() {
				return modelled{absent: true}
			}
			n := in.v.(int)
			i := mod(n, 3)
			if i >= len(fns) {
				i = len(fns) - 1
				if i == 0 {
					return modelled{absent: true}
				}
			}
			v, err := fns[i].call(n)
			if err != nil {
				*failures++
			}
			return modelled{v: v, absent: err != nil}
		}}
}

func (d sequenceDraw) mapped(f modelFunc) modelStep {
	return modelStep{"Map " + f.String(), func(s *runnel.Sequence) *runnel.Sequence { return s.Map(f.call) },
		func(in modelled, failures *int) modelled {
			if in.blocked || in.absent {
				return modelled{absent: true}
			}
			out := modelled{v: make([]int, len(in.list())), holes: map[int]bool{}}
			for i, n := range in.list() {
				if in.holes[i] {
					out.holes[i] = true
					continue
				}
				v, err := f.call(n)
				if err != nil {
					*failures++
					out.holes[i] = true
				}
				out.list()[i] = v
			}
			return out
		}}
}

func (d sequenceDraw) filter() modelStep {
	f, odd := d.fn(), d.int(0, 1, "odd")
	keep := func(n int) (bool, error) { _, err := f.call(n); return mod(n, 2) == odd, err }
	return modelStep{fmt.Sprintf("Filter %d, %v", odd, f), func(s *runnel.Sequence) *runnel.Sequence { return s.Filter(keep) },
		func(in modelled, failures *int) modelled {
			if in.blocked || in.absent {
				return modelled{absent: true}
			}
			out := modelled{v: []int{}, absent: len(in.holes) > 0}
			for i, n := range in.list() {
				if in.holes[i] {
					continue
				}
				ok, err := keep(n)
				if err != nil {
					*failures++
					out.absent = true
				} else if ok {
					out.v = append(out.list(), n)
				}
			}
			return out
		}}
}

func (d sequenceDraw) reduce() modelStep {
	f, initial := d.fn(), d.int(-9, 9, "initial")
	fold := func(acc, n int) (int, error) { v, err := f.call(n); return (3*acc + v) % 1000, err }
	return whole(fmt.Sprintf("Reduce from %d, %v", initial, f), func(s *runnel.Sequence) *runnel.Sequence { return s.Reduce(initial, fold) },
		func(v any) (any, error) {
			acc := initial
			for _, n := range v.([]int) {
				var err error
				if acc, err = fold(acc, n); err != nil {
					return nil, err
				}
			}
			return acc, nil
		})
}

// nestedStep is a sequence inside the sequence, as it is or built.
func nestedStep(inner *modelSequence, asPipeline bool) modelStep {
	return modelStep{fmt.Sprintf("nested, pipeline %v:%v\n  end", asPipeline, inner), func(s *runnel.Sequence) *runnel.Sequence {
		if !asPipeline {
			return s.CallNext(inner.build())
		}
		p, err := inner.build(runnel.PipelineName("inner")).Build()
		if err != nil {
			panic(err)
		}
		return s.CallNext(p)
	}, func(in modelled, failures *int) modelled {
		if in.blocked {
			return modelled{absent: true}
		}
		if in.missing() {
			in = modelled{absent: true}
		}
		return inner.run(in, failures)
	}}
}

package runnel_test

import (
	"context"
	"testing"

	"github.com/runnelflow/runnel"
)

func length(s string) int { return len(s) }

// sequenceProblems are those of a sequence that must not build.
func sequenceProblems(t testing.TB, s *runnel.Sequence) []runnel.Problem {
	t.Helper()
	p, err := s.Build()
	if p != nil {
		t.Fatal("Build returned a pipeline with its error, or none")
	}
	return asBuildError(t, err).Problems
}

// TestSequenceErrorsNameTheStep: by number, method, function, file and line, with
// both types and the mend.
func TestSequenceErrorsNameTheStep(t *testing.T) {
	two := runnel.Inputs("a", "b")
	seq := runnel.NewSequence
	inner := pipelineOf(t, runnel.NewTask("x", takes[struct{ A int }]), runnel.NewTask("y", takes[struct{ B int }]))
	sum := pipelineOf(t, runnel.NewTask("sum", takes[struct{ A, B int }]))
	var none func(int) int
	for name, c := range map[string]struct {
		seq  *runnel.Sequence
		want []string
	}{
		"empty":            {seq(), []string{`the sequence has no step that gives a result: begin it with CallNext`}},
		"empty group":      {seq().Group().Group(), []string{`the sequence has no step that gives a result`}},
		"side effect":      {seq().CallAfter(twofold), []string{`there is no result to pass through: begin with CallNext`, `the sequence has no step`}},
		"types":            {seq().CallNext(twofold).CallNext(length), []string{`task "length" (sequenceerror_test.go:…): step 2 (CallNext): parameter 1 is string, but step 1 (CallNext), task "twofold" (sequenceerror_test.go:…), gives int: change one of the types, or put a step between that converts`}},
		"one mistake":      {seq().CallNext(twofold).CallNext(length).CallNext(isEven).CallNext(length), []string{`step 2 (CallNext)`, `step 4 (CallNext): parameter 1 is string…gives bool`}},
		"task":             {seq().CallNext(spell).CallNext(scaled, runnel.Into("n")), []string{`task "scaled" (…step 2 (CallNext): input "n" (N) is int, but…gives string`}},
		"pipeline":         {seq().CallNext(spell).CallNext(pipelineOf(t, scaled), runnel.Into("n")), []string{`step 2 (CallNext): input "n" (external input) is int, but…gives string`}},
		"elements":         {seq().CallNext(twofold).Map(twofold), []string{`step 2 (Map): parameter 1 takes elements, int, but step 1 (CallNext), task "twofold"…gives int, which is no slice, array or iter.Seq: take the whole with CallNext, or let that step return a slice`}},
		"element type":     {seq().CallNext(upTo).Filter(func(string) bool { return true }), []string{`step 2 (Filter): parameter 1 is string, but step 1…gives elements of type int`}},
		"reduce type":      {seq().CallNext(upTo).Reduce("", join2), []string{`task "join2" (…step 2 (Reduce): parameter 2 is string, but…gives elements of type int`}},
		"reduce start":     {seq().CallNext(upTo).Reduce("", add), []string{`step 2 (Reduce): the initial value is string, but the accumulator (parameter 1) is int: write int(…) around it`}},
		"reduce nil":       {seq().CallNext(upTo).Reduce(nil, add), []string{`the initial value is nil, but the accumulator`}},
		"reduce fn":        {seq().CallNext(upTo).Reduce(0, twofold), []string{`expected a function of an accumulator and an element that returns the accumulator…got func(int) int`}},
		"reduce what":      {seq().CallNext(upTo).Reduce(0, 1), []string{`expected a function of an accumulator and an element, got int`}},
		"group":            {seq().CallNext(twofold).Group(twofold, length), []string{`task "length"…step 2 (Group, member 2): parameter 1 is string`}},
		"group slots":      {seq().CallNext(twofold).Group(twofold, spell).Reduce(0, add), []string{`step 3 (Reduce): the elements is []int, but step 2 (Group, member 2), task "spell"…gives string: change one of the types, take a []any, or a parameter for each member with Spread`}},
		"spread":           {seq().CallNext(twofold).Group(twofold, spell).CallNext(twofold, runnel.Spread()), []string{`Spread: the group before has 2 members, but there are 1 inputs to take them`}},
		"spread more":      {seq().CallNext(twofold).Group(twofold).CallNext(add, runnel.Spread()), []string{`Spread: the group before has 1 members, but there are 2 inputs`}},
		"no spread":        {seq().CallNext(twofold).CallNext(twofold, runnel.Spread()), []string{`Spread: the step before is no group: drop it`}},
		"first spread":     {seq().CallNext(twofold, runnel.Spread()), []string{`Spread: there is no group before: drop it`}},
		"branch":           {seq().CallNext(twofold).Branch(runnel.Case(isEven, length)), []string{`task "length"…step 2 (Branch, case 1): parameter 1 is string, but step 1 (CallNext), task "twofold"`}},
		"cases":            {seq().CallNext(twofold).Branch(runnel.Case(isEven, twofold), runnel.Otherwise(spell)).CallNext(twofold), []string{`step 3 (CallNext): parameter 1 is int, but step 2 (Branch, case 2), task "spell"…gives string: change one of the types`}},
		"predicate":        {seq().CallNext(spell).Branch(runnel.Case(isEven, length)), []string{`task "isEven"…step 2 (Branch, case 1): parameter 1 of the predicate is int, but step 1…gives string`}},
		"no bool":          {seq().CallNext(twofold).Branch(runnel.Case(twofold, twofold)), []string{`step 2 (Branch, case 1): the predicate returns (int): it must return a bool, or a bool and an error`}},
		"wide":             {seq().CallNext(twofold).Branch(runnel.Case(func(a, b int) bool { return a < b }, twofold)), []string{`the predicate takes (int, int): it may take the previous result alone`}},
		"no predicate":     {seq().CallNext(twofold).Branch(runnel.Case(nil, twofold)), []string{`the predicate must be a function that returns a bool, got nil`}},
		"no cases":         {seq().CallNext(twofold).Branch(), []string{`step 2 (Branch): it has no cases: give it a Case for each predicate`}},
		"empty case":       {seq().CallNext(twofold).Branch(runnel.BranchCase{}), []string{`the case is empty: make it with Case or Otherwise`}},
		"early else":       {seq().CallNext(twofold).Branch(runnel.Otherwise(twofold), runnel.Case(isEven, twofold)), []string{`Otherwise is the last case…put it at the end`}},
		"no value":         {seq().Branch(runnel.Otherwise(twofold)), []string{`no predicate takes a parameter, and there is no previous result: begin with CallNext`}},
		"filter":           {seq().CallNext(upTo).Filter(twofold), []string{`step 2 (Filter): the predicate returns (int)`}},
		"nothing":          {seq().CallNext(nil), []string{`step 1 (CallNext): expected a function, a declared task, a *Pipeline or a *Sequence, got nil`}},
		"by value":         {seq().CallNext(*runnel.NewTask("t", constant(1))), []string{`got runnel.Task[struct {},int]: hand a task over as its constructor returns it, by a pointer`}},
		"called":           {seq().CallNext(twofold(1)), []string{`got int: hand a function over without calling it`}},
		"nil function":     {seq().CallNext(none), []string{`the function, a func(int) int, is nil: give one`}},
		"nil task":         {seq().CallNext((*runnel.FuncTask)(nil)), []string{`the task is nil: give one made by NewTask`}},
		"nil pipeline":     {seq().CallNext((*runnel.Pipeline)(nil)), []string{`the pipeline is nil: give one`}},
		"nil sequence":     {seq().CallNext((*runnel.Sequence)(nil)), []string{`the sequence is nil: give one`}},
		"nil option":       {seq().CallNext(twofold, nil), []string{`task "twofold"…an option is nil: drop it`}},
		"no names":         {seq().CallNext(add), []string{`Go does not keep parameter names: name those of (int, int) with Inputs("…", "…")`}},
		"few names":        {seq().CallNext(add, runnel.Inputs("a")), []string{`Inputs names 1 parameters, but the function takes 2: (int, int)`}},
		"same names":       {seq().CallNext(add, runnel.Inputs("a", "a")), []string{`Inputs names "a" twice`}},
		"bad names":        {seq().CallNext(add, runnel.Inputs("a", "b[i]")), []string{`Inputs: data name "b[i]" has brackets`}},
		"no result":        {seq().CallNext(func(int) {}), []string{`task "step 1"…the function returns no value to hand on: return one, or call it with CallAfter`}},
		"results":          {seq().CallNext(func() (int, int) { return 1, 2 }), []string{`the function returns 2 values for one result: return a struct`}},
		"no output":        {seq().CallNext(runnel.NewValuesTask("v", nil, nil, func(context.Context, runnel.Values) (runnel.Values, error) { return nil, nil })), []string{`task "v"…the task has no output to hand on: call it with CallAfter`}},
		"arg name":         {seq().CallNext(add, two, runnel.Arg("c", 1)), []string{`Arg("c"): there is no such input, only "a", "b"`}},
		"arg twice":        {seq().CallNext(add, two, runnel.Arg("a", 1), runnel.Arg("a", 2)), []string{`Arg sets "a" twice: keep one`}},
		"arg type":         {seq().CallNext(add, two, runnel.Arg("b", 1.5)), []string{`Arg("b") is float64, but parameter 2 is int: write int(…) around the constant, or change the type`}},
		"arg nil":          {seq().CallNext(add, two, runnel.Arg("b", nil)), []string{`Arg("b") is nil, but parameter 2 is int: give a value of that type`}},
		"arg partial":      {seq().CallNext(func(runnel.Partial[int]) int { return 0 }, runnel.Arg("input", 1)), []string{`a Partial takes the output of a mapped task, no constant`}},
		"into":             {seq().CallNext(twofold).CallNext(add, two, runnel.Into("c")), []string{`Into("c"): there is no such input, only "a", "b"`}},
		"into first":       {seq().CallNext(add, two, runnel.Into("a")), []string{`Into("a"): the first step has no previous result: drop it`}},
		"into and arg":     {seq().CallNext(twofold).CallNext(add, two, runnel.Into("a"), runnel.Arg("a", 1)), []string{`input "a" has Arg and Into: keep one`}},
		"bind":             {seq().CallNext(twofold).CallNext(add, two, runnel.Bind("a", "x")), []string{`Bind("a", "x"): that input takes the previous result or a constant: drop the Bind`}},
		"as":               {seq().CallNext(twofold, runnel.As("x")).CallNext(twofold, runnel.As("x")), []string{`As("x"): the name is taken in this sequence: choose another`}},
		"bad as":           {seq().CallNext(twofold, runnel.As("x[i]")), []string{`As: data name "x[i]" has brackets`}},
		"inputs":           {seq().CallNext(scaled, runnel.Inputs("a")), []string{`Inputs belongs to the declaration: take an input from other data with Bind`}},
		"retries":          {seq().CallNext(twofold, runnel.Retries(-1)), []string{`step 1 (CallNext): …etries`}},
		"declaration":      {seq().CallNext(runnel.NewTask("", constant(1))), []string{`step 1 (CallNext): output: a data name must not be empty`}},
		"outputs":          {seq().CallNext(inner), []string{`its pipeline has 2 outputs that none of its tasks takes ("x", "y"), so it is not clear which one goes on: make a task of it with Nest, which names one`}},
		"ambiguous":        {seq().CallNext(twofold).CallNext(sum), []string{`its pipeline has several inputs: say with Into which of "a", "b" takes the previous result`}},
		"nested":           {seq().CallNext(seq()), []string{`its sequence cannot be built: the pipeline cannot be built: the sequence has no step`}},
		"broken":           {seq().CallNext(runnel.NewPipeline()), []string{`its pipeline cannot be built: the pipeline cannot be built: it has no tasks`}},
		"nest options":     {seq().CallNext(twofold).CallNext(sum, runnel.Into("a"), runnel.Retries(1)), []string{`options other than Name and After belong to the tasks of the nested pipeline`}},
		"map task":         {seq().Map(scaled), []string{`task "scaled"…step 1 (Map): Map calls plain functions for elements: declare the task with NewMapTask and give it to CallNext`}},
		"map nothing":      {seq().Map(func() int { return 1 }), []string{`step 1 (Map): the function takes no element: give it a parameter for one`}},
		"limit":            {seq().CallNext(twofold, runnel.MaxParallel(2)), []string{`step 1 (CallNext): MaxParallel limits the elements of a mapped task`}},
		"graph":            {seq().CallNext(twofold).CallNext(add, runnel.Inputs("a", "spell")).CallNext(spell).CallNext(func(s string, n string) string { return s }, runnel.Inputs("s", "twofold")), []string{`step 4 (CallNext): input "twofold" (parameter 2) wants string, but task "twofold"`}},
		"pipeline options": {runnel.NewSequence(nil).CallNext(nil), []string{`step 1 (CallNext): expected a function`, `an option of the pipeline is nil`}},
	} {
		t.Run(name, func(t *testing.T) {
			problems := sequenceProblems(t, c.seq)
			wantProblems(t, problems, c.want...)
		})
	}
}

func join2(a, b string) string { return a + b }

// Package runnel builds and runs data-driven workflows. A task declares the
// data it consumes and the data it produces; Runnel infers the graph, checks
// it before anything runs, runs whatever is ready in parallel, and hands typed
// results back.
//
//	var Extract = runnel.NewTask("features",
//		func(ctx context.Context, in struct{ Paths []string }) (Features, error) { … })
//
//	var Stats = runnel.NewTask("stats",
//		func(ctx context.Context, in struct{ Features Features }) (Summary, error) { … },
//		runnel.Retries(3))
//
//	p, err := runnel.FromTasks(Extract, Stats)
//	res, err := p.Run(ctx, runnel.Values{"paths": paths})
//	summary, err := Stats.Get(res)
//
// # Declare
//
// The input struct of a task is its signature: the field Features takes the data
// "features", which the task of that output produces, or else the caller of the
// run. [NewTask] says how fields are named, tagged and made optional; see also
// [Opt]. [NewMultiTask] has several outputs, [Func] takes plain functions, and
// [NewValuesTask] is for what is known only at run time. [Pure], [NoContext] and
// [NoError] adapt functions. [TaskOption] lists what can be set: [Retries] and
// the other retry options, [Timeout], [After], [Name], [Meta] and more.
//
// # Build
//
// [FromTasks] and [NewPipeline] make a [Pipeline]; a [Registry] collects tasks
// first. Building reports every problem of the graph in one [*BuildError].
// [Pipeline.Graph] is the graph to look at, a [dag.Graph]. [External] and
// [Strict] fix the inputs of the whole, [Defaults] sets options for all tasks,
// and [Intercept] puts a function around every attempt.
//
// # Run
//
// [Pipeline.Run] waits for the end, [Pipeline.Start] returns a [Run] to watch,
// wait for or cancel. Wrong inputs are an [*InputError], and nothing has run.
// [RunOption] lists what can be set: [MaxParallel], [OnError], [Targets],
// [WithCache], [Observe] and more. A failed run is a [*RunError] over a
// [*TaskError] for each task that failed, with the [Result] of what was produced
// beside it. [Task.Get] and [Get] read outputs, [Result.Report] tells what
// became of each task, and each [Event] tells it while it happens. Inside a
// task, [Info] tells what it is part of.
//
// Values pass from task to task by reference, so tasks treat their inputs as
// read-only. Package runneltest finds those that do not.
package runnel

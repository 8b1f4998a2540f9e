// Package schedule runs pipelines at set times: by cron expression, at an
// interval, once, or whenever a function says.
//
// A schedule has a label, a timing and a pipeline. A [Scheduler] fires it: at each
// fire time it runs the pipeline, under a run id made of the label and the fire
// time. What is to become of fire times that were missed, of those that come while
// a run goes on, and of a schedule whose runs fail, are policies of the schedule.
//
// Schedules are declared by the program, each time it starts. What has become of
// them is kept in a [Store], under their labels: several schedulers may share one,
// in one process or many, and then each fire time is run by one of them. When a
// scheduler dies in the middle of a run, another one does the run again under the
// same id. Package schedule/storetest holds a store against its contract.
//
// A fixed time of day that a change of the clocks leaves out fires once, when the
// clocks have been changed, and one that comes twice fires the first time. Intervals,
// and cron expressions for every hour, follow real time.
package schedule

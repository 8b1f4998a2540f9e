package runnel

import "time"

// An Event is something that happened in a run: one of the event types of this
// package, which are all there are.
type Event interface {
	// When is the time at which it happened.
	When() time.Time
	event()
}

// RunStarted is the first event of a run.
type RunStarted struct {
	At       time.Time
	Pipeline string
	RunID    string
	Tasks    int // how many the run has
}

// TaskStarted tells that a task's first attempt begins.
type TaskStarted struct {
	At       time.Time
	RunID    string
	Task     string
	Index    []int // of the element, nil for a whole task
	Elements int   // how many a mapped task runs for, in the event of the whole task
}

// AttemptFailed tells that an attempt failed. With Retry, another one follows
// after Delay, unless the run is stopped meanwhile; otherwise TaskFinished
// follows.
type AttemptFailed struct {
	At      time.Time
	RunID   string
	Task    string
	Index   []int // of the element, nil for a whole task
	Attempt int   // from 1
	Err     error
	Retry   bool
	Delay   time.Duration
}

// TaskRetried tells that a further attempt begins.
type TaskRetried struct {
	At      time.Time
	RunID   string
	Task    string
	Index   []int // of the element, nil for a whole task
	Attempt int   // from 2
}

// TaskFinished tells that a task has ended, and how. Tasks that were not called
// end without having started.
type TaskFinished struct {
	At       time.Time
	RunID    string
	Task     string
	Index    []int // of the element, nil for a whole task
	State    State // Succeeded, Failed, Skipped or Cancelled
	Attempts int
	Err      error  // of the last attempt
	Reason   string // why it was skipped, cancelled, or not called
}

// CacheHit tells that the result of a task or an element was taken from the result
// cache, or from an equal call at the same time. TaskFinished follows, and nothing else.
type CacheHit struct {
	At    time.Time
	RunID string
	Task  string
	Index []int // of the element, nil for a whole task
	Bytes int   // of the result, encoded
}

// CacheMiss tells that the result cache has no result of a task or an element, which
// is therefore attempted.
type CacheMiss struct {
	At    time.Time
	RunID string
	Task  string
	Index []int // of the element, nil for a whole task
	Err   error // why an entry could not be used, nil when there is none
}

// CacheStored tells that a result was put into the result cache.
type CacheStored struct {
	At    time.Time
	RunID string
	Task  string
	Index []int // of the element, nil for a whole task
	Bytes int   // of the result, encoded; 0 with Err
	Err   error // why it could not be kept
}

// TaskUnresponsive names a task that goes on though its context ended a while
// ago, with the run's or by its [Timeout]. The run waits for it.
type TaskUnresponsive struct {
	At    time.Time
	RunID string
	Task  string
	Index []int         // of the element, nil for a whole task
	For   time.Duration // since its context ended
}

// TaskOversized warns, at the begin of a run with [ResourceAware], of a task that needs
// more than the whole budget, and so is going to run alone.
type TaskOversized struct {
	At     time.Time
	RunID  string
	Task   string
	Needs  Resources
	Budget Resources // of the run, 0 where there is no limit
}

// RunWaiting tells that a run does not go on here, and why: another process drives
// it, or nobody does, or it has another graph. It goes on, or ends, when that changes.
type RunWaiting struct {
	At       time.Time
	Pipeline string
	RunID    string
	Reason   string
}

// RunFinished is the last event of a run.
type RunFinished struct {
	At       time.Time
	Pipeline string
	RunID    string
	Duration time.Duration
	Err      error // what Run or Wait returns, but for the panics of observers
}

// When implements [Event].
func (e RunStarted) When() time.Time       { return e.At }
func (e TaskStarted) When() time.Time      { return e.At }
func (e AttemptFailed) When() time.Time    { return e.At }
func (e TaskRetried) When() time.Time      { return e.At }
func (e TaskFinished) When() time.Time     { return e.At }
func (e CacheHit) When() time.Time         { return e.At }
func (e CacheMiss) When() time.Time        { return e.At }
func (e CacheStored) When() time.Time      { return e.At }
func (e TaskUnresponsive) When() time.Time { return e.At }
func (e TaskOversized) When() time.Time    { return e.At }
func (e RunWaiting) When() time.Time       { return e.At }
func (e RunFinished) When() time.Time      { return e.At }

func (RunStarted) event()       {}
func (TaskStarted) event()      {}
func (AttemptFailed) event()    {}
func (TaskRetried) event()      {}
func (TaskFinished) event()     {}
func (CacheHit) event()         {}
func (CacheMiss) event()        {}
func (CacheStored) event()      {}
func (TaskUnresponsive) event() {}
func (TaskOversized) event()    {}
func (RunWaiting) event()       {}
func (RunFinished) event()      {}

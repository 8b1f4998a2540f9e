package runnel

import (
	"context"
	"log/slog"
)

// SlogObserver is an observer that logs the events of a run: failed attempts and
// unresponsive tasks, those that are larger than the budget, and failures of
// the result cache as warnings, failed tasks and runs as errors, the starts of
// tasks and attempts, elements that did not fail, and what was cached, at debug level, the rest as
// information. A record has the time of its event. A nil logger is slog.Default().
func SlogObserver(logger *slog.Logger) Observer {
	if logger == nil {
		logger = slog.Default()
	}
	ctx := context.Background()
	log := func(level slog.Level, e Event, text, run string, attrs ...slog.Attr) {
		if !logger.Enabled(ctx, level) {
			return
		}
		// The record has the time of the event, not that of its delivery.
		r := slog.NewRecord(e.When(), level, text, 0)
		r.AddAttrs(slog.String("run", run))
		r.AddAttrs(attrs...)
		_ = logger.Handler().Handle(ctx, r)
	}
	return func(e Event) {
		switch e := e.(type) {
		case RunStarted:
			log(slog.LevelInfo, e, "run started", e.RunID, slog.String("pipeline", e.Pipeline), slog.Int("tasks", e.Tasks))
		case TaskStarted:
			log(slog.LevelDebug, e, "task started", e.RunID, slog.String("task", label(e.Task, e.Index)))
		case TaskRetried:
			log(slog.LevelDebug, e, "task retried", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Int("attempt", e.Attempt))
		case AttemptFailed:
			log(slog.LevelWarn, e, "attempt failed", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Int("attempt", e.Attempt),
				slog.Any("error", e.Err), slog.Bool("retry", e.Retry), slog.Duration("delay", e.Delay))
		case TaskFinished:
			logFinished(log, e)
		case CacheHit:
			log(slog.LevelDebug, e, "result was cached", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Int("bytes", e.Bytes))
		case CacheMiss:
			if e.Err != nil {
				log(slog.LevelWarn, e, "cached result cannot be used", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Any("error", e.Err))
				return
			}
			log(slog.LevelDebug, e, "result was not cached", e.RunID, slog.String("task", label(e.Task, e.Index)))
		case CacheStored:
			if e.Err != nil {
				log(slog.LevelWarn, e, "result cannot be cached", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Any("error", e.Err))
				return
			}
			log(slog.LevelDebug, e, "result is cached", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Int("bytes", e.Bytes))
		case TaskUnresponsive:
			log(slog.LevelWarn, e, "task ignores the end of its context", e.RunID, slog.String("task", label(e.Task, e.Index)), slog.Duration("for", e.For))
		case TaskOversized:
			log(slog.LevelWarn, e, "task needs more than the budget, and runs alone", e.RunID, slog.String("task", e.Task),
				slog.String("needs", e.Needs.String()), slog.String("budget", e.Budget.String()))
		case RunWaiting:
			log(slog.LevelInfo, e, "run waits", e.RunID, slog.String("pipeline", e.Pipeline), slog.String("reason", e.Reason))
		case RunFinished:
			if e.Err != nil {
				log(slog.LevelError, e, "run failed", e.RunID, slog.String("pipeline", e.Pipeline), slog.Duration("duration", e.Duration), slog.Any("error", e.Err))
				return
			}
			log(slog.LevelInfo, e, "run finished", e.RunID, slog.String("pipeline", e.Pipeline), slog.Duration("duration", e.Duration))
		}
	}
}

func logFinished(log func(slog.Level, Event, string, string, ...slog.Attr), e TaskFinished) {
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("task", label(e.Task, e.Index)), slog.String("state", e.State.String()), slog.Int("attempts", e.Attempts)}
	switch {
	case e.State == Failed:
		level = slog.LevelError
	case e.Index != nil:
		level = slog.LevelDebug // the task counts them
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	log(level, e, "task finished", e.RunID, attrs...)
}

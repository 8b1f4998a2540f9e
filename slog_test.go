package runnel_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// logged is a logger that writes times as seconds since start.
func logged(b *bytes.Buffer, start time.Time, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.String("t", a.Value.Time().Sub(start).String())
		}
		return a
	}}))
}

func TestSlogObserverLogsEveryEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runnel.NewPipeline(runnel.PipelineName("nightly")).Add(
			step("flaky", nil, func(ctx context.Context) error {
				if runnel.Info(ctx).Attempt == 1 {
					return errFlaky
				}
				return nil
			}, runnel.Retries(1), runnel.RetryJitter(false)),
			step("bad", from("flaky"), failsWith(errors.New("no such file"), time.Second)),
			step("next", from("bad"), works))
		var b bytes.Buffer
		slow := func(runnel.Event) { time.Sleep(time.Minute) } // records have the time of the event, not that of its delivery
		_, err := p.Run(t.Context(), nil, runnel.RunID("r7"), runnel.OnError(runnel.SkipFailed),
			runnel.Observe(slow, runnel.SlogObserver(logged(&b, time.Now(), slog.LevelDebug))))
		if err != nil {
			t.Fatal(err)
		}
		want := `t=0s level=INFO msg="run started" run=r7 pipeline=nightly tasks=3
t=0s level=DEBUG msg="task started" run=r7 task=flaky
t=0s level=WARN msg="attempt failed" run=r7 task=flaky attempt=1 error=flaky retry=true delay=1s
t=1s level=DEBUG msg="task retried" run=r7 task=flaky attempt=2
t=1s level=INFO msg="task finished" run=r7 task=flaky state=succeeded attempts=2
t=1s level=DEBUG msg="task started" run=r7 task=bad
t=2s level=WARN msg="attempt failed" run=r7 task=bad attempt=1 error="no such file" retry=false delay=0s
t=2s level=ERROR msg="task finished" run=r7 task=bad state=failed attempts=1 error="no such file"
t=2s level=INFO msg="task finished" run=r7 task=next state=skipped attempts=0 reason="its input \"bad\" is missing: task \"bad\" failed"
t=2s level=INFO msg="run finished" run=r7 pipeline=nightly duration=2s
`
		if got := b.String(); got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

func TestSlogObserverLogsACancelledRunAndWhoHoldsItUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := pipelineOf(t, step("deaf", nil, func(context.Context) error { time.Sleep(time.Minute); return nil }), step("next", from("deaf"), works))
		_, err := p.Run(ctx, nil, runnel.RunID("r7"), runnel.Observe(runnel.SlogObserver(logged(&b, time.Now(), slog.LevelWarn))))
		if err == nil {
			t.Fatal("no error")
		}
		want := `t=6s level=WARN msg="task ignores the end of its context" run=r7 task=deaf for=5s
t=1m0s level=ERROR msg="run failed" run=r7 pipeline="" duration=1m0s error="runnel: run r7 of the pipeline was cancelled: context deadline exceeded"
`
		if got := b.String(); got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

func TestSlogObserverWithoutALoggerUsesTheDefault(t *testing.T) {
	old := slog.Default()
	defer slog.SetDefault(old)
	var b bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	if _, err := pipelineOf(t, step("a", nil, works)).Run(t.Context(), nil, runnel.Observe(runnel.SlogObserver(nil))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `msg="run finished"`) || strings.Contains(b.String(), "task started") {
		t.Errorf("the default logger got\n%s", b.String())
	}
}

package viz

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// nightly is a pipeline in which a task of each kind does its work on a clock.
func nightly(t *testing.T) *runnel.Pipeline {
	takes := func(ctx context.Context, d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	task := func(name string, inputs []string, d time.Duration, opts ...runnel.TaskOption) runnel.AnyTask {
		return runnel.NewValuesTask(name, inputs, []string{name}, func(ctx context.Context, _ runnel.Values) (runnel.Values, error) {
			if name == "publish" && runnel.Info(ctx).Attempt < 3 {
				return nil, errors.New("503 Service Unavailable")
			}
			if err := takes(ctx, d); err != nil {
				return nil, err
			}
			if name == "notify" {
				return nil, errors.New("no such channel: #nightly")
			}
			return runnel.Values{name: 1}, nil
		}, opts...)
	}
	type clip struct{ Seconds int }
	list := runnel.NewTask("clips", func(ctx context.Context, _ struct{}) ([]clip, error) {
		return []clip{{2}, {3}, {4}, {1}}, takes(ctx, time.Second)
	})
	loud := runnel.NewMapTask("loudness[i]", func(ctx context.Context, in struct {
		Clip clip `runnel:"clips[i]"`
	}) (int, error) {
		return in.Clip.Seconds, takes(ctx, time.Duration(in.Clip.Seconds)*time.Second)
	})
	p := runnel.NewPipeline(runnel.PipelineName("nightly")).Add(list, loud,
		task("model", nil, 1500*time.Millisecond),
		task("tags", []string{"clips", "model"}, 2*time.Second),
		task("tempo", []string{"clips"}, 2500*time.Millisecond),
		task("summary", []string{"loudness", "tags", "tempo"}, 800*time.Millisecond),
		task("publish", []string{"summary"}, 700*time.Millisecond, runnel.Retries(3), runnel.RetryJitter(false), runnel.RetryDelay(500*time.Millisecond)),
		task("notify", []string{"tempo"}, 1200*time.Millisecond),
		task("archive", []string{"notify"}, time.Second),
	)
	if err := p.Build(); err != nil {
		t.Fatal(err)
	}
	return p
}

// reportOfNightly is the report of a run of it, in virtual time.
func reportOfNightly(t *testing.T) (r *runnel.Report) {
	synctest.Test(t, func(t *testing.T) {
		res, err := nightly(t).Run(t.Context(), nil, runnel.RunID("2026-11-25"), runnel.OnError(runnel.SkipFailed), runnel.MaxParallel(2))
		if err != nil {
			t.Fatal(err)
		}
		r = res.Report()
	})
	return r
}

func written(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The picture of the README and of the page about pictures.
func TestPictureOfATimeline(t *testing.T) {
	r := reportOfNightly(t)
	golden(t, "../../docs/pictures/timeline.svg", written(t, func(w io.Writer) error { return TimelineSVG(w, r) }))
	page, err := os.ReadFile("../docs/viz.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := written(t, func(w io.Writer) error { return TimelineText(w, r) }); !bytes.Contains(page, want) {
		t.Errorf("docs/viz.md does not show the timeline as it is now:\n%s", want)
	}
}

func TestTimelines(t *testing.T) {
	r := reportOfNightly(t)
	golden(t, "timeline.svg.golden", written(t, func(w io.Writer) error { return TimelineSVG(w, r) }))
	golden(t, "timeline.txt.golden", written(t, func(w io.Writer) error { return TimelineText(w, r) }))
	golden(t, "timeline.ascii.txt.golden", written(t, func(w io.Writer) error { return TimelineText(w, r, ASCII(), Width(80)) }))
	golden(t, "timeline.color.txt.golden", written(t, func(w io.Writer) error { return TimelineText(w, r, Color(true), Rows(5)) }))
	golden(t, "timeline.json.golden", written(t, func(w io.Writer) error { return TimelineJSON(w, r) }))
	golden(t, "timeline.trace.json.golden", written(t, func(w io.Writer) error { return ChromeTrace(w, r) }))
}

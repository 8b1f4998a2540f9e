package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
)

func ExampleNewTask() {
	type counts struct{ Lines, Words int }
	count := runnel.NewTask("counts", func(_ context.Context, in struct {
		Text string // data "text"
	}) (counts, error) {
		return counts{strings.Count(in.Text, "\n") + 1, len(strings.Fields(in.Text))}, nil
	})
	density := runnel.NewTask("density", func(_ context.Context, in struct {
		Counts counts             // what the task above produces
		Scale  float64            `runnel:"scale,default=10"`
		Unit   runnel.Opt[string] // tells absent from empty
	}) (string, error) {
		return fmt.Sprintf("%.0f %s", in.Scale*float64(in.Counts.Words)/float64(in.Counts.Lines), in.Unit.Or("words per 10 lines")), nil
	})

	p, err := runnel.FromTasks(density, count) // in any order
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Run(context.Background(), runnel.Values{"text": "to be\nor not to be"})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := density.Get(res)
	fmt.Println(text, err)
	// Output: 30 words per 10 lines <nil>
}

func ExampleNewMultiTask() {
	type parts struct {
		Head string
		Rest string `runnel:"tail"`
	}
	cut := runnel.NewMultiTask(func(_ context.Context, in struct{ Path string }) (parts, error) {
		head, rest, found := strings.Cut(in.Path, "/")
		if !found {
			return parts{}, errors.New("no slash in the path")
		}
		return parts{head, rest}, nil
	}, runnel.Name("cut"))
	shout := runnel.NewTask("loud", runnel.Pure(func(in struct{ Tail string }) string { return strings.ToUpper(in.Tail) }))

	p, _ := runnel.FromTasks(cut, shout)
	res, err := p.Run(context.Background(), runnel.Values{"path": "music/song.wav"})
	if err != nil {
		fmt.Println(err)
		return
	}
	both, _ := cut.Get(res)
	loud, _ := shout.Get(res)
	fmt.Println(cut.Name(), cut.Outputs(), both.Head, both.Rest, loud)
	// Output: cut [head tail] music song.wav SONG.WAV
}

func ExampleFunc() {
	area := runnel.Func("area", func(width, height float64) float64 { return width * height }, runnel.Inputs("width", "height"))
	price := runnel.Func("price", func(ctx context.Context, area float64) (string, error) {
		return fmt.Sprintf("%.2f", area*12.5), nil
	}, runnel.Inputs("area"))

	p, _ := runnel.FromTasks(area, price)
	res, err := p.Run(context.Background(), runnel.Values{"width": 2.0, "height": 4.0})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(runnel.Get[string](res, "price"))
	// Output: 100.00 <nil>
}

func ExampleNewValuesTask() {
	// The graph comes from a file, not from the program's text.
	rules := map[string][]string{"base": nil, "wall [1]": {"base"}, "roof": {"wall [1]", "base"}}
	var tasks []runnel.AnyTask
	for name, needs := range rules {
		tasks = append(tasks, runnel.NewValuesTask(name, needs, []string{name}, func(_ context.Context, in runnel.Values) (runnel.Values, error) {
			height := 1
			for _, below := range in {
				height = max(height, below.(int)+1)
			}
			return runnel.Values{name: height}, nil
		}))
	}
	p, err := runnel.FromTasks(tasks...)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Run(context.Background(), nil)
	fmt.Println(res.Outputs(), err)
	// Output: map[base:1 roof:3 wall [1]:2] <nil>
}

func ExampleTask_As() {
	mean := runnel.NewTask("mean", runnel.Pure(func(in struct{ Values []float64 }) float64 {
		sum := 0.0
		for _, v := range in.Values {
			sum += v
		}
		return sum / float64(len(in.Values))
	}))
	before := mean.As("mean_before").Bind("values", "raw")
	after := mean.As("mean_after").Bind("values", "clean")

	p, _ := runnel.FromTasks(before, after)
	res, err := p.Run(context.Background(), runnel.Values{"raw": []float64{1, 2, 9}, "clean": []float64{1, 2}})
	fmt.Println(res.Outputs(), err)
	// Output: map[mean_after:1.5 mean_before:4] <nil>
}

func ExampleBuildError() {
	load := runnel.Func("tracks", func(path string) []string { return nil }, runnel.Inputs("path"))
	count := runnel.Func("count", func(tracks []string) int { return len(tracks) })
	report := runnel.Func("report", func(n int) string { return "" }, runnel.Inputs("count"), runnel.After("trakcs"), runnel.Retries(-1))

	_, err := runnel.FromTasks(load, count, report)
	if build, ok := errors.AsType[*runnel.BuildError](err); ok {
		for _, p := range build.Problems {
			fmt.Printf("%s: %s\n", p.Task, p.Text) // p.Location has the file and line
		}
	}
	// Output:
	// count: Go does not keep parameter names: name the data of ([]string) with Inputs("…")
	// report: After("trakcs"): no task has that name (did you mean "tracks"?)
	// report: Retries must be 0 or more, got -1: 0 makes one attempt
}

func ExampleDefaults() {
	p := runnel.NewPipeline(
		runnel.PipelineName("nightly"),
		runnel.Defaults(runnel.Retries(2), runnel.RetryDelay(time.Millisecond), runnel.Meta("team", "audio")),
	).Add(
		runnel.NewTask("plain", runnel.Pure(func(struct{}) int { return 1 })),
		runnel.NewTask("own", runnel.Pure(func(struct{}) int { return 2 }), runnel.Meta("team", "search")),
	)
	g, err := p.Graph()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range g.Nodes() {
		fmt.Println(n.Name, n.Meta["team"])
	}
	// Output:
	// own search
	// plain audio
}

func ExampleStrict() {
	p := runnel.NewPipeline(runnel.Strict(), runnel.External[[]string]("paths")).Add(
		runnel.Func("count", func(paths []string) int { return len(paths) }, runnel.Inputs("path")))
	if build, ok := errors.AsType[*runnel.BuildError](p.Build()); ok {
		for _, p := range build.Problems {
			fmt.Println(p.Text)
		}
	}
	// Output:
	// External "paths" is consumed by no task (did you mean "path"?): drop the declaration, or correct its name
	// nobody produces its input "path" (parameter 1), and it is not declared External (did you mean "paths"?): declare it, or correct its name
}

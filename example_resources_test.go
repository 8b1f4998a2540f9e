package runnel_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/runnelflow/runnel"
)

func ExampleResourceAware() {
	// Each element needs 100 MB, so with 80 % of 500 MB four are called at once.
	lengths := runnel.Each("lengths", "texts", func(_ context.Context, text string) (int, error) {
		return len(strings.Fields(text)), nil
	}, runnel.Needs(runnel.Resources{CPU: 0.1, MemoryMB: 100}))
	p, err := runnel.FromTasks(lengths)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"texts": []string{"a stream", "finds its way"}},
		runnel.ResourceAware(runnel.Budget{
			MaxCPUPercent:    80, // as without
			MaxMemoryPercent: 80,
			Machine:          runnel.Resources{CPU: 4, MemoryMB: 500}, // instead of what is found
		}))
	check(err)
	n, err := lengths.Get(res)
	check(err)
	fmt.Println(n, "within", res.Report().Resources.Budget)
	// Output:
	// [2 3] within 3.2 CPUs and 400 MB
}

func ExampleBudget_strict() {
	train := runnel.NewTask("model", func(_ context.Context, in struct{ Rows int }) (int, error) {
		return in.Rows, nil
	}, runnel.Needs(runnel.Resources{MemoryMB: 500}))
	p, err := runnel.FromTasks(train)
	check(err)
	machine := runnel.Resources{CPU: 4, MemoryMB: 500}
	err = p.Check(runnel.Values{"rows": 3}, runnel.ResourceAware(runnel.Budget{Strict: true, Machine: machine}))
	_, text, _ := strings.Cut(fmt.Sprint(err), "): ")
	text, _, _ = strings.Cut(text, " (")
	fmt.Println(text)
	// Output:
	// it needs 500 MB, which is more than the whole budget of 3.2 CPUs and 400 MB
}

func ExampleReport_Profile() {
	texts := runnel.NewTask("texts", func(context.Context, struct{}) ([]string, error) {
		return []string{"a stream", "finds its way"}, nil
	})
	total := runnel.NewTask("total", func(_ context.Context, in struct{ Texts []string }) (int, error) {
		return len(strings.Join(in.Texts, " ")), nil
	}, runnel.Needs(runnel.Resources{CPU: 1}))
	p, err := runnel.FromTasks(texts, total)
	check(err)
	ctx := context.Background()
	// One task at a time, so that each is measured.
	res, err := p.Run(ctx, nil, runnel.ResourceAware(runnel.Budget{}), runnel.MaxParallel(1))
	check(err)
	// What is not to be left to the measure is said by hand.
	_, err = p.Run(ctx, nil, runnel.ResourceAware(runnel.Budget{}),
		runnel.Profiles(res.Report().Profile()),
		runnel.Profiles(map[string]runnel.Resources{"total": {CPU: 1, MemoryMB: 50}}))
	check(err)
	fmt.Println(res.Outputs()["total"])
	// Output:
	// 22
}

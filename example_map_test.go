package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/runnelflow/runnel"
)

func ExampleNewMapTask() {
	type Features struct{ Tempo, Energy float64 }
	features := runnel.NewMapTask("features[i]", runnel.Pure(func(in struct {
		Track string `runnel:"tracks[i]"`
	}) Features {
		return Features{Tempo: 100 + 10*float64(len(in.Track)), Energy: 0.5}
	}))
	label := runnel.NewMapTask("labels[i]", runnel.Pure(func(in struct {
		Track    string   `runnel:"tracks[i]"`
		Features Features `runnel:"features[i]"`
	}) string {
		return fmt.Sprintf("%s at %.0f bpm", in.Track, in.Features.Tempo)
	}))
	fastest := runnel.NewTask("fastest", runnel.Pure(func(in struct{ Features []Features }) float64 {
		return slices.MaxFunc(in.Features, func(a, b Features) int { return int(a.Tempo - b.Tempo) }).Tempo
	}))
	p, err := runnel.FromTasks(features, label, fastest)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"tracks": []string{"Aria", "Gigue"}})
	check(err)
	labels, err := label.Get(res)
	check(err)
	tempo, err := fastest.Get(res)
	check(err)
	fmt.Println(strings.Join(labels, ", "))
	fmt.Println("fastest:", tempo)
	// Output:
	// Aria at 140 bpm, Gigue at 150 bpm
	// fastest: 150
}

// Two axes make a run for every combination.
func ExampleNewMapTask_sweep() {
	loss := runnel.NewMapTask("loss[i,j]", runnel.Pure(func(in struct {
		Rate  float64 `runnel:"rates[i]"`
		Depth int     `runnel:"depths[j]"`
	}) float64 {
		return 1 - in.Rate*float64(in.Depth)
	}))
	best := runnel.NewMapTask("best[i]", runnel.Pure(func(in struct {
		Row []float64 `runnel:"loss[i]"` // of one rate, over all depths
	}) float64 {
		return slices.Min(in.Row)
	}))
	p, err := runnel.FromTasks(loss, best)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"rates": []float64{0.125, 0.25}, "depths": []int{1, 2, 3}})
	check(err)
	fmt.Println(runnel.Get[[][]float64](res, "loss"))
	fmt.Println(best.Get(res))
	// Output:
	// [[0.875 0.75 0.625] [0.75 0.5 0.25]] <nil>
	// [0.625 0.25] <nil>
}

func ExampleNewExpandTask() {
	words := runnel.NewExpandTask("words[i,k]", runnel.Pure(func(in struct {
		Line string `runnel:"lines[i]"`
	}) []string {
		return strings.Fields(in.Line)
	}))
	lengths := runnel.NewMapTask("lengths[i,k]", runnel.Pure(func(in struct {
		Word string `runnel:"words[i,k]"`
	}) int {
		return len(in.Word)
	}))
	longest := runnel.NewMapTask("longest[i]", runnel.Pure(func(in struct {
		Words   []string `runnel:"words[i]"` // of one line
		Lengths []int    `runnel:"lengths[i]"`
	}) string {
		return in.Words[slices.Index(in.Lengths, slices.Max(in.Lengths))]
	}))
	p, err := runnel.FromTasks(words, lengths, longest)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"lines": []string{"the quick brown fox", "jumps"}})
	check(err)
	fmt.Println(runnel.Get[[][]int](res, "lengths"))
	fmt.Println(lengths.Get(res))
	fmt.Println(longest.Get(res))
	// Output:
	// [[3 5 5 3] [5]] <nil>
	// [3 5 5 3 5] <nil>
	// [quick jumps] <nil>
}

func ExampleNewMultiMapTask() {
	type Parts struct {
		Name   string `runnel:"names[i]"`
		Domain string `runnel:"domains[i]"`
	}
	split := runnel.NewMultiMapTask(func(_ context.Context, in struct {
		Address string `runnel:"addresses[i]"`
	}) (Parts, error) {
		name, domain, ok := strings.Cut(in.Address, "@")
		if !ok {
			return Parts{}, fmt.Errorf("%q is no address", in.Address)
		}
		return Parts{name, domain}, nil
	})
	hosts := runnel.NewTask("hosts", runnel.Pure(func(in struct{ Domains []string }) []string {
		return slices.Compact(slices.Sorted(slices.Values(in.Domains)))
	}))
	p, err := runnel.FromTasks(split, hosts)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"addresses": []string{"ann@example.org", "bob@example.com", "cy@example.org"}})
	check(err)
	fmt.Println(hosts.Get(res))
	parts, err := split.Get(res)
	fmt.Println(parts[1].Name, err)
	// Output:
	// [example.com example.org] <nil>
	// bob <nil>
}

func ExamplePartial() {
	sizes := runnel.NewMapTask("sizes[i]", func(_ context.Context, in struct {
		File string `runnel:"files[i]"`
	}) (int, error) {
		if in.File == "" {
			return 0, errors.New("no file")
		}
		return len(in.File), nil
	})
	total := runnel.NewTask("total", runnel.Pure(func(in struct{ Sizes runnel.Partial[int] }) string {
		sum := 0
		for _, n := range in.Sizes.Values {
			sum += n
		}
		return fmt.Sprintf("%d bytes, %d failed", sum, len(in.Sizes.Errs))
	}))
	p, err := runnel.FromTasks(sizes, total)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"files": []string{"a.txt", "", "b.txt"}}, runnel.OnError(runnel.ContinueOnError))
	failed, _ := errors.AsType[*runnel.TaskError](err)
	fmt.Println(failed.Task, failed.Index, failed.Err)
	fmt.Println(total.Get(res))
	// Output:
	// sizes [1] no file
	// 10 bytes, 1 failed <nil>
}

func ExampleEach() {
	lengths := runnel.Each("lengths", "words", func(_ context.Context, word string) (int, error) { return len(word), nil })
	total := runnel.Fold("total", "lengths", 0, func(_ context.Context, sum, n int) (int, error) { return sum + n, nil })
	p, err := runnel.FromTasks(lengths, total)
	check(err)
	res, err := p.Run(context.Background(), runnel.Values{"words": []string{"map", "and", "reduce"}})
	check(err)
	fmt.Println(lengths.Get(res))
	fmt.Println(total.Get(res))
	// Output:
	// [3 3 6] <nil>
	// 12 <nil>
}

package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/runnelflow/runnel"
)

func ExampleMap() {
	half := func(_ context.Context, n int) (int, error) {
		if n%2 == 1 {
			return 0, errors.New("odd")
		}
		return n / 2, nil
	}
	res, err := runnel.Map(context.Background(), []int{2, 3, 8}, half)
	fmt.Println(res.Results, res.Errors)
	fmt.Println(err)
	// Output:
	// [1 0 4] map[1:item 1 failed: odd]
	// runnel: Map: item 1 failed: odd
}

func ExampleMapReduce() {
	length := func(_ context.Context, word string) (int, error) { return len(word), nil }
	sum := func(_ context.Context, a, n int) (int, error) { return a + n, nil }
	fmt.Println(runnel.MapReduce(context.Background(), strings.Fields("a stream finds its way"), length, 0, sum))
	// Output: 18 <nil>
}

func ExampleReduceTree() {
	longer := func(_ context.Context, a, b string) (string, error) {
		if len(b) > len(a) {
			return b, nil
		}
		return a, nil
	}
	fmt.Println(runnel.ReduceTree(context.Background(), strings.Fields("a stream finds its way"), longer))
	// Output: stream <nil>
}

func ExampleSweep() {
	type params struct{ Base, Exponent int }
	power := func(_ context.Context, p params) (int, error) {
		result := 1
		for range p.Exponent {
			result *= p.Base
		}
		return result, nil
	}
	res, err := runnel.Sweep(context.Background(), runnel.Grid{"exponent": []int{2, 3}, "base": []int{2, 10}}, power)
	check(err)
	for p, r := range res.All() {
		fmt.Printf("%d^%d = %d\n", p.Base, p.Exponent, r)
	}
	// Output:
	// 2^2 = 4
	// 2^3 = 8
	// 10^2 = 100
	// 10^3 = 1000
}

func ExampleMapSeq() {
	shout := func(_ context.Context, word string) (string, error) { return strings.ToUpper(word), nil }
	for word, err := range runnel.MapSeq(context.Background(), strings.FieldsSeq("a stream finds its way"), shout, runnel.MaxParallel(2)) {
		check(err)
		fmt.Println(word)
	}
	// Output:
	// A
	// STREAM
	// FINDS
	// ITS
	// WAY
}

func ExampleProgress() {
	_, err := runnel.Map(context.Background(), slices.Repeat([]int{7}, 3), double, runnel.Progress(func(done, total int) {
		fmt.Println(done, "of", total)
	}))
	check(err)
	// Output:
	// 1 of 3
	// 2 of 3
	// 3 of 3
}

func ExampleTask_Func() {
	length := runnel.NewTask("length", func(_ context.Context, in struct{ Text string }) (int, error) {
		return len(in.Text), nil
	}, runnel.Retries(3))

	n, err := length.Func()(context.Background(), struct{ Text string }{"a stream"})
	check(err)
	fmt.Println(n)

	res, err := runnel.Sweep(context.Background(), runnel.Grid{"text": []string{"finds", "its", "way"}}, length.Func())
	check(err)
	fmt.Println(res.Results)
	// Output:
	// 8
	// [5 3 3]
}

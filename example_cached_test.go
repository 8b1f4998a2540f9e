package runnel_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/resultcache"
)

// Of a list in which one element has changed, one is computed.
func ExampleCached() {
	calls := 0
	length := runnel.NewMapTask("lengths[i]", runnel.Pure(func(in struct {
		Word string `runnel:"words[i]"`
	}) int {
		calls++
		return len(in.Word)
	}), runnel.Cached("1", 0))

	store := resultcache.NewMemory(1 << 20) // bytes
	p := runnel.NewPipeline(runnel.ResultCache(store)).Add(length)
	words := []string{"one", "three", "five"}
	for _, changed := range []string{"three", "fourteen"} {
		words[1] = changed
		calls = 0
		res, err := p.Run(context.Background(), runnel.Values{"words": slices.Clone(words)}, runnel.MaxParallel(1))
		if err != nil {
			fmt.Println(err)
			return
		}
		lengths, err := length.Get(res)
		fmt.Println(lengths, err, calls, "calls")
	}
	// Output:
	// [3 5 4] <nil> 3 calls
	// [3 8 4] <nil> 1 calls
}

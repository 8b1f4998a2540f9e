package runnel_test

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel"
)

func ExampleRegistry() {
	count := runnel.NewTask("count", runnel.Pure(func(in struct{ Items []string }) int { return len(in.Items) }))
	label := runnel.NewTask("label", runnel.Pure(func(in struct{ Count int }) string { return fmt.Sprint(in.Count, " tracks") }))

	r := runnel.NewRegistry()
	r.Register(count, runnel.As("total"), runnel.Bind("items", "tracks"), runnel.Meta("owner", "audio"))
	r.Register(label, runnel.Bind("count", "total"))

	producer, _ := r.Producer("total")
	fmt.Println(producer.Name(), producer.Meta()["owner"], r.ExternalInputs(), r.Outputs())

	p, err := r.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Run(context.Background(), runnel.Values{"tracks": []string{"a", "b"}})
	fmt.Println(res.Outputs(), err)
	// Output:
	// total audio [tracks] [label total]
	// map[label:2 tracks total:2] <nil>
}

func ExampleDataCache() {
	cache := runnel.NewDataCache()
	cache.Set("sample_rate", 44100)
	fmt.Println(cache.Has("sample_rate"))

	_, err := cache.Get("sample_rat")
	fmt.Println(err)
	_, err = cache.Inject("sample_rate", "channels", "bits")
	fmt.Println(err)
	// Output:
	// true
	// runnel: data "sample_rat" is not in the data cache (did you mean "sample_rate"?)
	// runnel: data "channels", "bits": not in the data cache: it has "sample_rate"
}

func ExampleWithCache() {
	slow := runnel.NewTask("features", runnel.Pure(func(in struct{ Path string }) int {
		fmt.Println("computing features of", in.Path)
		return len(in.Path)
	}))
	tag := runnel.NewTask("tag", runnel.Pure(func(in struct{ Features int }) string { return fmt.Sprint("tag ", in.Features) }))
	p, err := runnel.FromTasks(slow, tag)
	if err != nil {
		fmt.Println(err)
		return
	}
	cache := runnel.NewDataCache()
	for range 2 {
		res, err := p.Run(context.Background(), runnel.Values{"path": "song.wav"}, runnel.WithCache(cache))
		fmt.Println(res.Outputs()["tag"], err)
	}
	// Output:
	// computing features of song.wav
	// tag 8 <nil>
	// tag 8 <nil>
}

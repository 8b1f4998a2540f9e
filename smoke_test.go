package runnel

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	extract := NewTask("features", func(ctx context.Context, in struct{ Paths []string }) (int, error) { return len(in.Paths), nil })
	stats := NewTask("stats", func(ctx context.Context, in struct {
		Features int
		Config   Opt[string]
		Alpha    float64 `runnel:"alpha,default=0.5"`
	}) (string, error) {
		return fmt.Sprint(in.Features, in.Config.Ok, in.Alpha, Info(ctx).IdempotencyKey), nil
	}, Retries(2))
	n := 0
	flaky := NewTask("flaky", func(ctx context.Context, in struct{ Stats string }) (string, error) {
		n++
		if n < 3 {
			return "", errors.New("boo")
		}
		return in.Stats + "!", nil
	}, Retries(2), RetryDelay(time.Millisecond))
	p, err := FromTasks(stats, extract, flaky)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(context.Background(), Values{"paths": []string{"a", "b"}})
	fmt.Println(err)
	fmt.Println(stats.Get(res))
	fmt.Println(flaky.Get(res))
	fmt.Println(res.Report())
	fmt.Println(p)
	_, err = FromTasks(stats, extract, stats, NewTask("features", func(ctx context.Context, in struct{ Flaky int }) (int, error) { return 1, nil }), flaky)
	fmt.Println(err)
	_, err = p.Run(context.Background(), Values{"path": []string{"a", "b"}})
	fmt.Println(err)
}

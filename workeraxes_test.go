package runnel_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// Elements that fan out again are made by workers as they are in one process.
func TestWorkersMakeRaggedElements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pages := runnel.NewExpandTask("pages[i,k]", func(_ context.Context, in struct {
			N int `runnel:"books[i]"`
		}) ([]int, error) {
			var out []int
			for k := range in.N {
				out = append(out, 10*in.N+k)
			}
			return out, nil
		})
		words := runnel.NewMapTask("words[i,k]", func(_ context.Context, in struct {
			Page int `runnel:"pages[i,k]"`
		}) (string, error) {
			return fmt.Sprint("w", in.Page), nil
		})
		p := pipelineOf(t, pages, words)
		b := &broker.Memory{}
		defer employ(t, b, p)()
		res, err := p.Run(t.Context(), runnel.Values{"books": []int{2, 0, 3}}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(res.Outputs()["words"]), "[[w20 w21] [] [w30 w31 w32]]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

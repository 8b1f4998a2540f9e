// Command mytool is a tool of two pipelines for the tests, which run it as a
// process of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/cli"
)

type Config struct {
	Rate float64  `json:"rate"`
	Tags []string `json:"tags"`
}

var tokens = runnel.NewTask("tokens", runnel.Pure(func(in struct{ Paths []string }) []string {
	return in.Paths
}), runnel.Describe("reads the files"))

var score = runnel.NewTask("score", func(ctx context.Context, in struct {
	Tokens []string
	Alpha  float64 `runnel:",default=0.5"`
	Config Config
	Wait   time.Duration `runnel:",optional"`
	Strict bool          `runnel:",optional"`
}) (float64, error) {
	if in.Alpha > 1 {
		return 0, errors.New("alpha is above 1")
	}
	select {
	case <-time.After(in.Wait):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return in.Alpha * float64(len(in.Tokens)), nil
}, runnel.Describe("weighs them"))

var lengths = runnel.NewMapTask("lengths[i]", runnel.Pure(func(in struct {
	Word string `runnel:"words[i]"`
}) int {
	return len(in.Word)
}))

func main() {
	train, err := runnel.FromTasks(tokens, score)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(cli.ExitBuild)
	}
	_ = train
	cli.Main(
		runnel.NewPipeline(runnel.PipelineName("train")).Add(tokens, score),
		runnel.NewPipeline(runnel.PipelineName("measure")).Add(lengths),
	)
}

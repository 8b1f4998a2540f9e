package cli_test

import (
	"context"
	"fmt"
	"os"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/cli"
)

var halves = runnel.NewMapTask("halves[i]", runnel.Pure(func(in struct {
	N  int `runnel:"ns[i]"`
	By int `runnel:",default=2"`
}) float64 {
	return float64(in.N) / float64(in.By)
}))

// Run is the command line without the process: here with arguments of our own. A
// program calls [Main] instead.
func ExampleTool_Run() {
	tool := cli.New(runnel.NewPipeline().Add(halves))
	status := tool.Run(context.Background(),
		[]string{"run", "--ns", "1", "--ns", "[2,3]", "--by", "4", "--progress", "off"},
		cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	fmt.Println(status)
	// Output:
	// halves: [0.25,0.5,0.75]
	// 0
}

// A tool with a job of its own, for calls without a command.
func ExampleTool_Default() {
	tool := cli.New(runnel.NewPipeline().Add(halves)).Default("[name ...]", "greets",
		func(_ context.Context, args []string, s cli.Streams) int {
			fmt.Fprintln(s.Out, "hello", args)
			return cli.ExitOK
		})
	s := cli.Streams{Out: os.Stdout, Err: os.Stderr}
	tool.Run(context.Background(), []string{"you"}, s)
	tool.Run(context.Background(), []string{"list"}, s)
	// Output:
	// hello [you]
	// pipeline: 1 task in 1 level
	//   inputs
	//     by   int     default 2; for task halves
	//     ns   []int   required; for task halves
	//   tasks
	//     halves   ns[i], by? → halves[i]
	//   outputs
	//     halves   []float64   a result
}

// Command sweep looks for the learning rate and the batch size with which gradient
// descent learns best, by trying every combination, and draws the score surface.
//
//	go run ./examples/sweep               in the terminal
//	go run ./examples/sweep surface.svg   as a picture too; .png, .pdf and others work as well
//
// The sweep is a graph with three axes: learning rates, batch sizes, and the parts
// of the samples that are kept back in turn. Every training is one element of one
// task, and each step after it takes one axis away.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"

	"github.com/runnelflow/runnel"
)

// MeanSquare trains with one learning rate and one batch size on all samples but
// one fold, and measures on that. The axes are three inputs, so it runs for each
// combination: an outer product.
var MeanSquare = runnel.NewMapTask("mean_square[i,j,k]", func(ctx context.Context, in struct {
	Rate  float64 `runnel:"rates[i]"`
	Batch int     `runnel:"batches[j]"`
	Fold  Fold    `runnel:"folds[k]"`
}) (float64, error) {
	w, err := descend(ctx, in.Fold.Train, in.Rate, in.Batch)
	return in.Fold.Test.meanSquare(w), err
})

// Score is the root mean square of the errors over all folds. It takes
// "mean_square" with two of its three axes: the third is a slice.
var Score = runnel.NewMapTask("score[i,j]", runnel.Pure(func(in struct {
	MeanSquares []float64 `runnel:"mean_square[i,j]"`
}) float64 {
	var sum float64
	for _, v := range in.MeanSquares {
		sum += v
	}
	return math.Sqrt(sum / float64(len(in.MeanSquares)))
}))

// Trial is a combination and how well it did.
type Trial struct {
	Rate  float64
	Batch int
	Score float64
}

// BestOfRate takes a row of the scores, the learning rate that belongs to it, and
// all batch sizes.
var BestOfRate = runnel.NewMapTask("best_of_rate[i]", runnel.Pure(func(in struct {
	Rate    float64   `runnel:"rates[i]"`
	Scores  []float64 `runnel:"score[i]"`
	Batches []int
}) Trial {
	best := Trial{Rate: in.Rate, Score: math.Inf(1)}
	for j, s := range in.Scores {
		if s < best.Score {
			best.Batch, best.Score = in.Batches[j], s
		}
	}
	return best
}))

// Best is the best of all.
var Best = runnel.NewTask("best", runnel.Pure(func(in struct {
	Trials []Trial `runnel:"best_of_rate"`
}) Trial {
	best := in.Trials[0]
	for _, t := range in.Trials {
		if t.Score < best.Score {
			best = t
		}
	}
	return best
}))

// Verdict is how the model does that was trained with the best combination on all
// samples, on others that nothing has seen.
type Verdict struct{ Descent, LeastSquares float64 }

// Final trains that model, and solves the same problem exactly to compare.
var Final = runnel.NewTask("final", func(ctx context.Context, in struct {
	Best    Trial
	Samples Samples
	Unseen  Samples
}) (v Verdict, err error) {
	w, err := descend(ctx, in.Samples, in.Best.Rate, in.Best.Batch)
	if err != nil {
		return v, err
	}
	exact, err := leastSquares(in.Samples)
	return Verdict{math.Sqrt(in.Unseen.meanSquare(w)), math.Sqrt(in.Unseen.meanSquare(exact))}, err
})

var (
	// rates and batches are what is tried.
	rates   = []float64{0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512}
	batches = []int{1, 2, 4, 8, 16, 32, 64, 128}
)

// newPipeline has the samples and what is tried as nodes of the graph, so that a
// run needs no inputs.
func newPipeline() (*runnel.Pipeline, error) {
	samples := generate(1, 500)
	return runnel.FromTasks(MeanSquare, Score, BestOfRate, Best, Final,
		runnel.Literal("rates", rates),
		runnel.Literal("batches", batches),
		runnel.Literal("samples", samples),
		runnel.Literal("unseen", generate(2, 2000)),
		runnel.Literal("folds", samples.folds(5)))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	out := bufio.NewWriter(os.Stdout)
	err := run(ctx, os.Args[1:], out)
	out.Flush()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}

//go:generate go run . ../../docs/score-surface.svg

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) > 1 {
		return fmt.Errorf("expected at most one argument, the file for the picture, got %d", len(args))
	}
	p, err := newPipeline()
	if err != nil {
		return err
	}
	res, err := p.Run(ctx, nil)
	if err != nil {
		return err
	}
	scores, err := runnel.Get[[][]float64](res, "score")
	if err != nil {
		return err
	}
	best, err := Best.Get(res)
	if err != nil {
		return err
	}
	final, err := Final.Get(res)
	if err != nil {
		return err
	}
	s := surface{rates, batches, scores, best}
	fmt.Fprintf(stdout, "%s", s.text())
	fmt.Fprintf(stdout, "\nbest: learning rate %v, batch size %d: %.3f\n", best.Rate, best.Batch, best.Score)
	fmt.Fprintf(stdout, "on samples that nothing has seen: %.3f; least squares, solved exactly: %.3f; the noise alone: %v\n", final.Descent, final.LeastSquares, noise)
	if len(args) == 1 {
		return s.save(args[0])
	}
	return nil
}

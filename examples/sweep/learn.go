package main

import (
	"context"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Samples are inputs, each with a one in front, and what was observed.
type Samples struct {
	X [][]float64
	Y []float64
}

// truth are the weights that the samples were made with, that of the one first,
// and noise is the standard deviation of what was added: no model can do better.
var truth = []float64{0.5, 2, -1, 0.25, 0, 1.5, -0.75, 0, 1}

const noise = 0.5

// generate makes n samples of normally distributed inputs.
func generate(seed uint64, n int) Samples {
	random := rand.New(rand.NewPCG(seed, 0))
	s := Samples{make([][]float64, n), make([]float64, n)}
	for i := range n {
		s.X[i] = make([]float64, len(truth))
		for k := range s.X[i] {
			s.X[i][k] = random.NormFloat64()
		}
		s.X[i][0] = 1
		s.Y[i] = floats.Dot(s.X[i], truth) + noise*random.NormFloat64()
	}
	return s
}

// Fold is a division of samples for one round of cross-validation.
type Fold struct{ Train, Test Samples }

// folds divides samples so that each is tested once in n rounds.
func (s Samples) folds(n int) []Fold {
	folds := make([]Fold, n)
	for k := range folds {
		f := &folds[k]
		for i := range s.X {
			to := &f.Train
			if i%n == k {
				to = &f.Test
			}
			to.X, to.Y = append(to.X, s.X[i]), append(to.Y, s.Y[i])
		}
	}
	return folds
}

// meanSquare is the mean of the squared errors of weights.
func (s Samples) meanSquare(w []float64) float64 {
	var sum float64
	for i, x := range s.X {
		e := floats.Dot(x, w) - s.Y[i]
		sum += e * e
	}
	return sum / float64(len(s.X))
}

const epochs = 10

// descend learns weights by gradient descent on the mean squared error of a batch
// at a time, with all samples in epochs rounds. Weights that grow without end are
// infinite or no numbers: a learning rate can be too large.
func descend(ctx context.Context, s Samples, rate float64, batch int) ([]float64, error) {
	w := make([]float64, len(s.X[0]))
	gradient := make([]float64, len(w))
	random := rand.New(rand.NewPCG(3, 0)) // the same order for each combination
	for range epochs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		order := random.Perm(len(s.X))
		for len(order) > 0 {
			n := min(batch, len(order))
			clear(gradient)
			for _, i := range order[:n] {
				floats.AddScaled(gradient, 2*(floats.Dot(s.X[i], w)-s.Y[i])/float64(n), s.X[i])
			}
			floats.AddScaled(w, -rate, gradient)
			order = order[n:]
		}
	}
	return w, nil
}

// leastSquares solves for the weights with the smallest mean squared error.
func leastSquares(s Samples) ([]float64, error) {
	x := mat.NewDense(len(s.X), len(s.X[0]), nil)
	for i, row := range s.X {
		x.SetRow(i, row)
	}
	var w mat.VecDense
	if err := w.SolveVec(x, mat.NewVecDense(len(s.Y), s.Y)); err != nil {
		return nil, err
	}
	return w.RawVector().Data, nil
}

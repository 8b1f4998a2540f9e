package engine

// Late is a worker for what comes back after [Run.Done], so that the code which
// follows from the end of an item can be used once more. Nothing follows: items that
// it pushes, and nodes that it makes ready, are not run.
func (r *Run) Late() *Worker { return &Worker{run: r} }

package runnel

// DirectResults has workers hand their results straight to the process of the run, and
// the broker keeps nothing of them: a run without a journal, for work that may be
// started again as a whole. It spares the broker two stored messages for each job.
//
// The run is lost with its process. It is not lost with a worker, whose jobs go to
// others, nor with a connection or a server that comes back: a worker keeps a result,
// and the slot of its job, until the run has it. When nobody answers for a run for a
// time that the broker states, its workers drop it, and a process that comes back later
// has its run end with an error. A run that is cancelled may return before tasks that
// workers still do.
//
// It contradicts [RunID] and [Pipeline.Submit], which are there to have a run taken up
// again: the error is an [*InputError]. Without [WithBroker] it has no effect.
func DirectResults() RunOption {
	return runOption(func(c *runConfig) { c.direct = true })
}

// checkDirect says what contradicts direct results. Where there is no broker nothing is
// kept, and an id is only a name.
func (c *runConfig) checkDirect() {
	if c.direct && c.id != "" && c.broker != nil {
		c.problem("DirectResults and RunID contradict each other: nothing is kept of a run with DirectResults, so it cannot be taken up by its id: drop one of them")
	}
}

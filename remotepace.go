package runnel

import "time"

// batchAim is how much work a batch is to be: enough that its message costs little
// beside it, and little enough that a worker that is free soon has something to do.
const batchAim = 25 * time.Millisecond

// batchLeast is how much work is worth a message of its own: spread over more workers
// it would not be done sooner.
const batchLeast = 250 * time.Microsecond

// mostBatched is how many jobs go in one batch. More would save next to nothing.
const mostBatched = 256

// batchUnmeasured is how many elements go in one while no worker is there. If they turn
// out to be long, the worker hands back all but the first.
const batchUnmeasured = 8

// paceMemory is how many elements the mean looks back on, roughly.
const paceMemory = 16

// pace is how long elements of a task take, and with that how many go in a batch.
type pace struct {
	mean     float64 // nanoseconds, of the recent ones
	measured int
}

// add takes how long an element took. Each weighs as much as the ones before it, until
// there are many: then the last ones weigh more.
func (p *pace) add(took time.Duration) {
	p.measured++
	p.mean += (float64(max(took, 0)) - p.mean) / float64(min(p.measured, paceMemory))
}

// size is how many elements make a batch: as many as are the aim, and no more than twice
// as many as were measured, so that it grows step by step. 0 is not known yet.
func (p *pace) size() int { return p.sizeFor(batchAim) }

func (p *pace) sizeFor(aim time.Duration) int {
	most := min(mostBatched, 2*p.measured)
	if p.mean*float64(most) <= float64(aim) {
		return most
	}
	return max(1, int(float64(aim)/p.mean))
}

// grows reports whether the size will be larger when more elements are measured.
func (p *pace) grows() bool { return p.size() == 2*p.measured && 2*p.measured < mostBatched }

// least is how many elements are worth a message.
func (p *pace) least() int {
	return min(p.size(), max(1, int(float64(batchLeast)/max(p.mean, 1))))
}

// next is how many of the pending elements make the next batch, 0 if they wait for
// more, or for a batch that is out to come back. flying elements are out, in some
// batches; slots is how many batches the workers do at once.
//
// While workers may be idle, what there is goes out, in even parts. While each has a
// batch and not all have one more to go on with, half a batch is enough. Otherwise only
// whole ones go, and none as long as later ones will be larger. For elements that take
// next to nothing, workers count only as far as each would get a message's worth.
func (p *pace) next(pending, flying, batches, slots int) int {
	if pending == 0 {
		return 0
	}
	if p.measured == 0 {
		return p.first(pending, batches, slots)
	}
	size, least := p.size(), p.least()
	want := max(1, min(slots, (flying+pending)/least))
	switch idle := want - batches; {
	case idle > 0 && (pending >= least || batches < (want+1)/2):
		return min(size, pending, max(least, (pending+idle-1)/idle))
	case idle > 0:
		return 0
	case batches < 2*want:
		share := min(size, max(1, (flying+pending)/(2*want)))
		if pending >= (share+1)/2 {
			return min(pending, share)
		}
	case slots > 0 && p.grows():
		return 0
	}
	if pending >= size {
		return size
	}
	return 0
}

// first is next while nothing is measured: one for each worker that may be idle.
func (p *pace) first(pending, batches, slots int) int {
	switch {
	case slots == 0:
		return min(pending, batchUnmeasured)
	case batches < slots:
		return 1
	}
	return 0
}

// plainAim is how much work a batch of plain tasks is to be. It is little, since what one
// takes says little of another: so there are several only where all that came back of
// late took next to nothing.
const plainAim = time.Millisecond

// plain is next for plain tasks. None waits for others while a worker may be idle, or
// have nothing to go on with. What goes out is in even parts.
func (p *pace) plain(pending, batches, slots int) int {
	size, parts := max(1, p.sizeFor(plainAim)), slots-batches
	switch {
	case parts > 0:
	case p.measured == 0: // as much as the workers do at once is out
		return 0
	case batches < 2*slots:
		parts = slots
	case size == 2*p.measured && size < mostBatched: // later ones will be larger
		return 0
	case pending >= size:
		return size
	default:
		return 0
	}
	return min(size, (pending+parts-1)/parts)
}

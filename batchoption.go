package runnel

import (
	"fmt"
	"math"
)

// A BatchOption sets something about one call of [Map], [Reduce], [ReduceTree],
// [MapReduce], [Sweep] or [MapSeq]. The options for retries and for a [Timeout],
// which hold for each item, [MaxParallel] and [OnError] are batch options too.
type BatchOption interface{ applyBatch(*batchConfig) }

// batchConfig is what options say about a batch.
type batchConfig struct {
	task      taskConfig // of each item
	limit     int        // 0: none
	limited   bool       // by an option
	mode      ErrorMode
	moded     bool // by an option
	chunks    chunking
	chunked   string // the option that said so
	progress  func(done, total int)
	completed bool // AsCompleted
	first     bool // ReduceFirst
	problems  []Problem
}

func (c *batchConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, Problem{Text: fmt.Sprintf(format, args...)})
}

// newBatchConfig applies options to the defaults.
func newBatchConfig(opts []BatchOption) *batchConfig {
	c := &batchConfig{task: taskConfig{retry: defaultRetry}, limit: defaultWindow, mode: ContinueOnError}
	for i, o := range opts {
		if o == nil {
			c.problem("option %d of %d is nil: drop it", i+1, len(opts))
			continue
		}
		o.applyBatch(c)
	}
	for _, text := range c.task.problems {
		c.problem("%s", text)
	}
	return c
}

type batchOption func(*batchConfig)

func (o batchOption) applyBatch(c *batchConfig) { o(c) }

func (o retryOption) applyBatch(c *batchConfig) { o(&c.task, &c.task.retry) }

func (n parallelOption) applyBatch(c *batchConfig) {
	if n < 0 {
		c.problem(negativeLimit, int(n))
	}
	c.limit, c.limited = int(n), true
}

func (m errorOption) applyBatch(c *batchConfig) {
	if text := m.check(); text != "" {
		c.problem("%s", text)
	}
	c.mode, c.moded = ErrorMode(m), true
}

// ChunkSize hands out n items at a time, in their order: they are called one
// after another, which saves part of the 0.1 µs that handing out costs. Items of
// a chunk that fail do so alone, and one that waits for its next attempt lets the
// others go on. For [ReduceTree] it is how many neighbours are reduced in a row
// before the results are combined. By default each item is handed out by itself,
// so that none waits for another while there is a slot.
func ChunkSize(n int) BatchOption {
	return batchOption(func(c *batchConfig) {
		if n < 1 {
			c.problem("ChunkSize must be 1 or more, got %d: drop it to have the size chosen", n)
		}
		c.chunk("ChunkSize", chunking{size: n})
	})
}

// ChunkCount is [ChunkSize] by the number of chunks: their sizes differ by at most
// one. With fewer items than n each is a chunk.
func ChunkCount(n int) BatchOption {
	return batchOption(func(c *batchConfig) {
		if n < 1 {
			c.problem("ChunkCount must be 1 or more, got %d: drop it to have the number chosen", n)
		}
		c.chunk("ChunkCount", chunking{count: n})
	})
}

// AdaptiveChunks is [ChunkSize] by measured time: chunks of least to most items
// that take about a millisecond, the first ones small. Only the last chunk may be
// smaller than least.
func AdaptiveChunks(least, most int) BatchOption {
	return batchOption(func(c *batchConfig) {
		if least < 1 || most < least {
			c.problem("AdaptiveChunks needs 1 or more items at least, and no fewer at most, got %d and %d: give the smaller number first", least, most)
		}
		c.chunk("AdaptiveChunks", chunking{least: min(least, math.MaxInt32), most: min(most, math.MaxInt32)})
	})
}

func (c *batchConfig) chunk(option string, how chunking) {
	if c.chunked != "" && c.chunked != option {
		c.problem("%s and %s say different things about chunks: keep one of them", c.chunked, option)
	}
	c.chunked, c.chunks = option, how
}

// Progress has f called whenever an item has succeeded, or failed for good, with
// how many have by now: with 1, 2, 3 and so on, up to total unless the batch is
// stopped. It is called in a goroutine of its own, never concurrently, and no item
// waits for it; the batch ends after the last call. A panic of f becomes part of
// the error, and ends the calls. [MapReduce] counts the items that it maps,
// [ReduceTree] the calls that combine.
func Progress(f func(done, total int)) BatchOption {
	return batchOption(func(c *batchConfig) {
		if f == nil {
			c.problem("Progress: the function is nil: drop the option")
		}
		c.progress = f
	})
}

// AsCompleted lets [MapSeq] hand over results as items end, instead of in their
// order, so that none waits for a slow one.
func AsCompleted() BatchOption {
	return batchOption(func(c *batchConfig) { c.completed = true })
}

// ReduceFirst has [Reduce] and [MapReduce] begin with the first item, or the first
// result of the map, in the place of initial: a maximum needs no value that is less
// than all others. initial is then only the result of no items. The items must be
// of a type that fits what is reduced to.
func ReduceFirst() BatchOption {
	return batchOption(func(c *batchConfig) { c.first = true })
}

// check lists what is wrong with a call of a batch helper, nil for nothing.
func (c *batchConfig) check(caller string, wrong ...string) *InputError {
	for _, text := range wrong {
		if text != "" {
			c.problem("%s", text)
		}
	}
	if c.completed && caller != "MapSeq" {
		c.problem("AsCompleted is for MapSeq: results are in the order of the items")
	}
	if c.first && caller != "Reduce" && caller != "MapReduce" {
		c.problem("ReduceFirst is for Reduce and MapReduce, which begin with a value: drop it")
	}
	if len(c.problems) == 0 {
		return nil
	}
	return &InputError{Problems: c.problems, caller: caller}
}

// isNilText is a problem when something that is needed is nil.
func isNilText(none bool, what string) string {
	if none {
		return what
	}
	return ""
}

const (
	nilContext  = "the context is nil: use context.Background() when there is none"
	nilFunction = "the function is nil: give one"
)

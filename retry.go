package runnel

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"
)

// A RetryOption says how often and when a failed attempt is repeated.
type RetryOption interface {
	TaskOption
	BatchOption
}

// retryPolicy is what retry options say.
type retryPolicy struct {
	retries  int
	delay    time.Duration
	backoff  float64
	jitter   bool
	maxDelay time.Duration // 0: none
	maxTime  time.Duration // 0: none
	timeout  time.Duration // 0: none
	retryIf  func(error) bool
}

var defaultRetry = retryPolicy{delay: time.Second, backoff: 2, jitter: true, maxTime: 300 * time.Second}

// mostRetries is what the counter of attempts holds, with room to spare.
const mostRetries = 1 << 23

type retryOption func(*taskConfig, *retryPolicy)

// Retries is how often a failed task is tried again: Retries(3) is at most four
// attempts. Default 0.
func Retries(n int) RetryOption {
	return retryOption(func(c *taskConfig, p *retryPolicy) {
		switch {
		case n < 0:
			c.problem("Retries must be 0 or more, got %d: 0 makes one attempt", n)
		case n > mostRetries:
			c.problem("Retries must be at most %d, got %d: let MaxRetryTime end the attempts", mostRetries, n)
		}
		p.retries = n
	})
}

// RetryDelay is the time between the first failure and the second attempt;
// later ones grow by [RetryBackoff]. Default 1 s; 0 tries again at once.
func RetryDelay(d time.Duration) RetryOption {
	return durationOption("RetryDelay", "0 tries again at once", d, func(p *retryPolicy) { p.delay = d })
}

// RetryBackoff multiplies the delay after each further failure: the n-th delay
// is RetryDelay · factorⁿ⁻¹. Default 2; 1 keeps the delay constant.
func RetryBackoff(factor float64) RetryOption {
	return retryOption(func(c *taskConfig, p *retryPolicy) {
		if !(factor >= 1) || math.IsInf(factor, 0) {
			c.problem("RetryBackoff must be a finite factor of 1 or more, got %v: 1 keeps the delay constant", factor)
		}
		p.backoff = factor
	})
}

// RetryJitter spreads each delay uniformly over ±50 %, so that tasks that
// failed together do not come back together. Default true.
func RetryJitter(on bool) RetryOption {
	return retryOption(func(_ *taskConfig, p *retryPolicy) { p.jitter = on })
}

// RetryMaxDelay caps each delay, jitter included. Default 0, no cap.
func RetryMaxDelay(d time.Duration) RetryOption {
	return durationOption("RetryMaxDelay", "0 lifts the cap", d, func(p *retryPolicy) { p.maxDelay = d })
}

// MaxRetryTime bounds the time from the start of the first attempt to the start
// of the last: an attempt that would begin later is not made. Default 300 s; 0
// lifts the bound.
func MaxRetryTime(d time.Duration) RetryOption {
	return durationOption("MaxRetryTime", "0 lifts the bound", d, func(p *retryPolicy) { p.maxTime = d })
}

// Timeout ends the context of each attempt after d, interceptors included. An
// error that the task returns from then on counts as [context.DeadlineExceeded]
// and may be tried again; a result counts as a result. Default 0, no timeout.
func Timeout(d time.Duration) RetryOption {
	return durationOption("Timeout", "0 lifts it", d, func(p *retryPolicy) { p.timeout = d })
}

// RetryIf decides which errors are worth another attempt; by default all are,
// except those marked by [Permanent]. It must be safe for concurrent use.
func RetryIf(f func(error) bool) RetryOption {
	return retryOption(func(c *taskConfig, p *retryPolicy) {
		if f == nil {
			c.problem("RetryIf: the function is nil: drop the option to try again whatever the error")
		}
		p.retryIf = f
	})
}

func durationOption(name, zero string, d time.Duration, set func(*retryPolicy)) RetryOption {
	return retryOption(func(c *taskConfig, p *retryPolicy) {
		if d < 0 {
			c.problem("%s must be 0 or more, got %v: %s", name, d, zero)
		}
		set(p)
	})
}

// Permanent marks an error as not worth another attempt. It is transparent to
// errors.Is and errors.As; nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// again reports whether a task that has failed its n-th attempt, elapsed after
// the start of its first, is tried again, and after what delay.
func (p *retryPolicy) again(err error, n int, elapsed time.Duration) (time.Duration, bool) {
	if n > p.retries {
		return 0, false
	}
	if _, permanent := errors.AsType[*permanentError](err); permanent {
		return 0, false
	}
	if p.retryIf != nil && !p.retryIf(err) {
		return 0, false
	}
	d := p.after(n)
	if p.maxTime > 0 && elapsed+d > p.maxTime {
		return 0, false
	}
	return d, true
}

// after is the delay that follows the n-th failure.
func (p *retryPolicy) after(n int) time.Duration {
	if p.delay == 0 {
		return 0 // and not 0 · ∞ once the factor is too large for a float64
	}
	d := float64(p.delay) * math.Pow(p.backoff, float64(n-1))
	if p.jitter {
		d *= 0.5 + rand.Float64()
	}
	// Half the range of a Duration, so that adding to one cannot overflow.
	longest := time.Duration(math.MaxInt64 / 2)
	if p.maxDelay > 0 {
		longest = min(longest, p.maxDelay)
	}
	if d >= float64(longest) {
		return longest
	}
	return time.Duration(d)
}

package natsbroker

import (
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// An Option sets something about a broker.
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

// config is what options say.
type config struct {
	namespace     string
	lease         time.Duration
	maxDeliveries int
	lifetime      time.Duration
	replicas      int
	memory        bool
	maxJobs       int64
	maxBytes      int64
	codec         Codec
	inline        int
	compress      int
	maxValue      int64
	listen        string // of an embedded server, empty for no socket
	syncAlways    bool   // of an embedded server
	connection    []nats.Option
	asFound       bool          // the streams stay as they are
	silence       time.Duration // of silentAfter, 0 for the default
	beat          time.Duration // of beatTime, 0 for the default
	problems      []string
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		namespace:     "runnel",
		lease:         broker.DefaultLease,
		maxDeliveries: broker.DefaultMaxDeliveries,
		lifetime:      7 * 24 * time.Hour,
		replicas:      1,
		maxJobs:       -1,
		maxBytes:      -1,
		codec:         JSON,
		inline:        64 << 10,
		compress:      16 << 10,
		maxValue:      1 << 30,
	}
	for i, o := range opts {
		if o == nil {
			c.problem("option %d of %d is nil: drop it", i+1, len(opts))
			continue
		}
		o.apply(c)
	}
	if len(c.problems) > 0 {
		return nil, fmt.Errorf("natsbroker: %s", c.problems[0])
	}
	return c, nil
}

func (c *config) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

var validNamespace = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Namespace is what the names of all streams and subjects begin with; "runnel" by
// default. Brokers of one namespace share their jobs. It is of letters, digits,
// hyphens and underscores, at most 64.
func Namespace(name string) Option {
	return option(func(c *config) {
		if !validNamespace.MatchString(name) {
			c.problem("the namespace %q must be 1 to 64 letters, digits, hyphens or underscores", name)
		}
		c.namespace = name
	})
}

// Lease is how long a worker keeps a job without saying that it is alive; 30 s by
// default, at least 100 ms. All brokers of a namespace should say the same: the
// last one opened decides.
func Lease(d time.Duration) Option {
	return option(func(c *config) {
		if d < 100*time.Millisecond {
			c.problem("the lease must be 100ms or more, got %v", d)
		}
		c.lease = d
	})
}

// MaxDeliveries is how often a job is delivered before it is given up, and how often
// a run is driven by a process that dies with no new result; 5 by default.
func MaxDeliveries(n int) Option {
	return option(func(c *config) {
		if n < 1 {
			c.problem("MaxDeliveries must be 1 or more, got %d", n)
		}
		c.maxDeliveries = n
	})
}

// Lifetime is how long results, values and jobs are kept; 7 days by default. A run
// that takes longer loses its first results: choose it longer than any run.
func Lifetime(d time.Duration) Option {
	return option(func(c *config) {
		if d < time.Second {
			c.problem("the lifetime must be 1s or more, got %v", d)
		}
		c.lifetime = d
	})
}

// Replicas is on how many servers of a cluster each stream is; 1 by default, at
// most 5.
func Replicas(n int) Option {
	return option(func(c *config) {
		if n < 1 || n > 5 {
			c.problem("Replicas must be 1 to 5, got %d", n)
		}
		c.replicas = n
	})
}

// InMemory keeps the streams in the servers' memory instead of in files: faster,
// and gone with the server.
func InMemory() Option { return option(func(c *config) { c.memory = true }) }

// MaxJobs is how many jobs may be queued or with workers at once, over all runs;
// no limit by default. A run that has more waits before it hands them over. By itself it
// hands over at most 100,000 of each mapped task, and of the plain tasks of a queue and
// priority, unless the workers do more at once.
func MaxJobs(n int) Option {
	return option(func(c *config) {
		if n < 1 {
			c.problem("MaxJobs must be 1 or more, got %d", n)
		}
		c.maxJobs = int64(n)
	})
}

// MaxBytes is how large each stream may grow; no limit by default. A full stream
// of jobs makes runs wait, and so does a full one of results or values. The server sets
// that much aside for each of the streams, and a broker that finds less is not opened.
func MaxBytes(n int64) Option {
	return option(func(c *config) {
		if n < 1<<20 {
			c.problem("MaxBytes must be 1 MiB or more, got %d", n)
		}
		c.maxBytes = n
	})
}

// Inline is up to how many bytes, encoded and compressed, a value travels in its message; 64 KiB
// by default. A larger one is stored once and travels by its hash.
func Inline(n int) Option {
	return option(func(c *config) {
		if n < 0 {
			c.problem("Inline must be 0 or more bytes, got %d", n)
		}
		c.inline = n
	})
}

// Compress is from how many bytes on an encoded value is compressed, with zstd; 16
// KiB by default, and never with a negative number.
func Compress(n int) Option { return option(func(c *config) { c.compress = n }) }

// MaxValue is how many bytes one value may have, encoded and not compressed; 1 GiB
// by default. It bounds what is sent, and what a received value may unpack to.
func MaxValue(n int64) Option {
	return option(func(c *config) {
		if n < 1 {
			c.problem("MaxValue must be 1 or more bytes, got %d", n)
		}
		c.maxValue = n
	})
}

func (c *config) storage() jetstream.StorageType {
	if c.memory {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/runnelflow/runnel/broker"
)

// Broker is a [broker.Broker] on NATS JetStream. It is safe for concurrent use,
// and one serves any number of runs and workers of a process.
type Broker struct {
	config  *config
	names   names
	nc      *nats.Conn
	js      jetstream.JetStream
	streams map[string]jetstream.Stream
	id      string         // differs from that of all other brokers
	owned   func()         // what Close closes besides
	server  *server.Server // of an embedded one

	ctx  context.Context // ends with the broker
	stop context.CancelCauseFunc
	wait sync.WaitGroup // for its goroutines

	mu        sync.Mutex
	pulls     map[string]*pull                  // by filter
	held      map[*held]struct{}                // deliveries that have not ended
	ended     map[string]*mark                  // runs that have ended, by token
	begun     map[string]known                  // runs that jobs were submitted for, by token
	sent      map[string]map[string]bool        // tokens of what was queued for them
	followers map[string]map[*follower]struct{} // of runs, by token
	stored    map[string]map[string]time.Time   // values that are stored, by token of the run and hash
	late      map[string]recorded               // the last results of runs that go on, by token
	inboxes   map[string]*inbox                 // of runs with direct results, by token
	silent    map[string]*silence               // of runs that nobody answers for, by token
	attended  map[string]bool                   // runs that are asked whether they are there, by token

	opening sync.Mutex // one inbox at a time

	blobs *blobs
}

var (
	_ broker.Broker       = (*Broker)(nil)
	_ broker.TypeChecker  = (*Broker)(nil)
	_ broker.DeadLetterer = (*Broker)(nil)
	_ broker.Keeper       = (*Broker)(nil)
)

// Open makes a broker of a connection, which stays the caller's: it should
// reconnect for ever, as that of [Connect] does. It makes the streams of the
// namespace if they are not there.
func Open(ctx context.Context, nc *nats.Conn, opts ...Option) (*Broker, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if nc == nil {
		return nil, errors.New("natsbroker: the connection is nil: make one with nats.Connect, or use Connect")
	}
	return open(ctx, nc, c, nil)
}

// Connect connects to a server and opens a broker there. The connection is made
// anew, for ever, when it is lost, and a dead one is found within about four
// seconds. Options of the connection, as for TLS, credentials files and tokens, are
// given by [Connection]. Close closes it. After some errors of the server the library
// gives it up for good: then all methods return an error that says why.
func Connect(ctx context.Context, url string, opts ...Option) (*Broker, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(url, append(durable(), c.connection...)...)
	if err != nil {
		return nil, fmt.Errorf("natsbroker: cannot connect to %s: %w: start a server with \"go run github.com/nats-io/nats-server/v2@v2.15.2 -js -a 127.0.0.1\", or correct the address", url, err)
	}
	return open(ctx, nc, c, nc.Close)
}

// durable are the options of a connection that is never given up.
func durable() []nats.Option {
	return []nats.Option{
		nats.Name("runnel"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(50*time.Millisecond, 200*time.Millisecond),
		nats.PingInterval(2 * time.Second),
		nats.MaxPingsOutstanding(2),
		// By default each lost connection is a line on the standard error. Here they are
		// ridden out, and what is not is an error of the call that it concerns.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
}

func open(ctx context.Context, nc *nats.Conn, c *config, owned func()) (*Broker, error) {
	b := &Broker{
		config: c, names: names{c.namespace}, nc: nc, owned: owned, id: nuid.Next(),
		streams:   map[string]jetstream.Stream{},
		pulls:     map[string]*pull{},
		held:      map[*held]struct{}{},
		ended:     map[string]*mark{},
		begun:     map[string]known{},
		sent:      map[string]map[string]bool{},
		stored:    map[string]map[string]time.Time{},
		late:      map[string]recorded{},
		followers: map[string]map[*follower]struct{}{},
		inboxes:   map[string]*inbox{},
		silent:    map[string]*silence{},
		attended:  map[string]bool{},
		blobs:     newBlobs(),
	}
	b.ctx, b.stop = context.WithCancelCause(context.Background())
	var err error
	if b.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096)); err == nil {
		err = b.setUp(ctx)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	b.wait.Go(b.watchEnds)
	b.wait.Go(b.settleSpent)
	b.wait.Go(b.askAnew)
	return b, nil
}

// Close ends the broker: what it waits for ends with an error. Runs and workers
// should have ended before.
func (b *Broker) Close() {
	b.stop(errClosed)
	b.mu.Lock()
	for run := range b.inboxes {
		b.closeInbox(run)
	}
	b.mu.Unlock()
	b.wait.Wait()
	if b.owned != nil {
		b.owned()
		b.owned = nil
	}
}

// errClosed is what methods return after Close.
var errClosed = errors.New("natsbroker: the broker is closed")

// closed is the error of who finds the broker closed, by Close or since its connection is.
func (b *Broker) closed() error {
	if b.ctx.Err() == nil {
		b.stop(b.lost())
	}
	return context.Cause(b.ctx)
}

// lost is the error of a connection that is closed and not by Close: its owner did that, or
// the library, which gives a connection up for good after some errors of the server.
func (b *Broker) lost() error {
	why := b.nc.LastError()
	for _, e := range []error{nats.ErrPermissionViolation, nats.ErrMaxSubscriptionsExceeded, nats.ErrSlowConsumer} {
		if errors.Is(why, e) { // which closes no connection
			why = nil
		}
	}
	because := ""
	if why != nil {
		because = fmt.Sprintf(" for good, since the last error was %q", why)
	}
	return fmt.Errorf("natsbroker: %w%s: start the process again; a connection of your own has to stay open while the broker is used, and to be made anew for ever, with nats.MaxReconnects(-1)", nats.ErrConnectionClosed, because)
}

// because is an error of a call of the library, or why the connection is closed.
func (b *Broker) because(err error) error {
	if err != nil && b.nc.IsClosed() {
		return b.closed()
	}
	return err
}

// patience is how long one request to the server may take before it is made
// again.
const patience = 5 * time.Second

// ride calls do until it comes through: as long as the server is away, or does
// not answer, it is called again, each time with a while to answer in.
func (b *Broker) ride(ctx context.Context, do func(context.Context) error) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		try, cancel := context.WithTimeout(ctx, patience)
		err := do(try)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case b.ctx.Err() != nil || b.nc.IsClosed():
			return b.closed()
		case b.remakeWorkers(ctx, err):
			continue
		case !passing(err):
			return err
		}
		if err := b.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// pause waits before something is tried again.
func (b *Broker) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.ctx.Done():
		return b.closed()
	}
}

// passing reports whether an error is that of a server that is away, starts, or
// changes its leader. The one who writes to a connection that has just broken gets the
// error of the socket.
func passing(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, e := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
		nats.ErrConnectionReconnecting, jetstream.ErrNoStreamResponse, jetstream.ErrTooManyStalledMsgs,
		jetstream.ErrConsumerLeadershipChanged, jetstream.ErrServerShutdown, jetstream.ErrNoHeartbeat, nats.ErrStaleConnection,
		io.EOF, io.ErrClosedPipe, net.ErrClosed, // of a socket, or of the pipe to an embedded server
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code == 503
}

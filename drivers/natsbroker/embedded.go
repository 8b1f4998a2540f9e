package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Embedded starts a server inside the process, with its files in a folder, and
// opens a broker on it. Unless [Listen] says so, it has no socket: only this
// process can use it. A folder that another process uses already is an error. Close
// stops the server.
func Embedded(ctx context.Context, dir string, opts ...Option) (*Broker, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	srv, unlock, err := startServer(dir, c)
	if err != nil {
		return nil, err
	}
	stop := func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		unlock()
	}
	nc, err := nats.Connect("", append(durable(), nats.InProcessServer(srv))...)
	if err != nil {
		stop()
		return nil, fmt.Errorf("natsbroker: cannot connect to the embedded server: %w", err)
	}
	b, err := open(ctx, nc, c, func() {
		nc.Close()
		stop()
	})
	if err == nil {
		b.server = srv
	}
	return b, err
}

// URL is where workers of other processes reach the server of an embedded broker;
// empty if it has no socket, and for other brokers that of their connection.
func (b *Broker) URL() string {
	switch {
	case b.server == nil:
		return b.nc.ConnectedUrlRedacted()
	case b.config.listen == "":
		return ""
	}
	return b.server.ClientURL()
}

func startServer(dir string, c *config) (*server.Server, func(), error) {
	if dir == "" {
		return nil, nil, errors.New("natsbroker: Embedded needs a folder for its files")
	}
	o := &server.Options{
		ServerName:         "runnel-embedded",
		JetStream:          true,
		StoreDir:           dir,
		DontListen:         c.listen == "",
		NoLog:              true,
		NoSigs:             true,
		SyncAlways:         c.syncAlways,
		JetStreamMaxMemory: -1,
		JetStreamMaxStore:  -1,
	}
	if c.listen != "" {
		if err := listenAt(o, c.listen); err != nil {
			return nil, nil, fmt.Errorf("natsbroker: Listen(%q): %w", c.listen, err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("natsbroker: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "runnel.lock"))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, nil, fmt.Errorf("natsbroker: the folder %s cannot be locked: %w", dir, err)
	case !ok:
		return nil, nil, fmt.Errorf("natsbroker: the folder %s is in use by another process: stop that one, choose another folder, or let it Listen and connect to it", dir)
	}
	unlock := func() { _ = lock.Unlock() }
	if err := isFree(o); err != nil {
		unlock()
		return nil, nil, fmt.Errorf("natsbroker: Listen(%q): %w", c.listen, err)
	}
	srv, err := server.NewServer(o)
	if err == nil {
		srv.Start()
		if !srv.ReadyForConnections(10 * time.Second) {
			srv.Shutdown()
			err = errors.New("it does not answer within 10s")
		}
	}
	if err != nil {
		unlock()
		return nil, nil, fmt.Errorf("natsbroker: the embedded server cannot start: %w", err)
	}
	return srv, unlock, nil
}

// listenAt sets the address of a server.
func listenAt(o *server.Options, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = "", address // a port by itself
	}
	if o.Host = host; host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Port, err = strconv.Atoi(port); err != nil || o.Port < 0 || o.Port > 65535 {
		return errors.New("write it as \"127.0.0.1:4222\", with a port from 0 to 65535")
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	return nil
}

// isFree says why a server cannot listen where it is to: it would only say that it
// does not start.
func isFree(o *server.Options) error {
	if o.DontListen || o.Port == server.RANDOM_PORT {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if err != nil {
		return err
	}
	return l.Close()
}

// Listen lets an embedded server take connections of other processes, at a TCP
// address like "127.0.0.1:4222". A port without a host is on loopback, and port 0 is any
// free one; to be reached from other machines takes an address of this one, or 0.0.0.0
// for all of them. Whoever reaches the address can use the server: put a server of your
// own, with accounts and TLS, where that is not wanted.
func Listen(address string) Option { return option(func(c *config) { c.listen = address }) }

// SyncAlways makes an embedded server sync its files before it acknowledges a
// message: a power cut then loses nothing either, and each message waits for the
// disk.
func SyncAlways() Option { return option(func(c *config) { c.syncAlways = true }) }

// Connection gives options to the connection that [Connect] makes, as for TLS,
// credentials files and tokens.
func Connection(opts ...nats.Option) Option {
	return option(func(c *config) { c.connection = append(c.connection, opts...) })
}

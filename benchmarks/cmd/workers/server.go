package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startServer starts a NATS server with file storage, at the server's defaults, that
// listens on loopback.
func startServer(dir string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: dir, Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("the NATS server does not start within 10s")
	}
	return s, nil
}

// serve is the process of a server.
func serve(ctx context.Context, dir string) error {
	s, err := startServer(dir)
	if err != nil {
		return err
	}
	ready(s.ClientURL())
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// site is a server and the connection of this process to it.
type site struct {
	nc   *nats.Conn
	url  string // for other processes
	ends []func()
}

// newSite starts a server in this process, to which it is connected without a socket,
// or in one of its own.
func newSite(embedded bool) (*site, error) {
	s := &site{}
	dir, err := os.MkdirTemp("", "benchmark")
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() { os.RemoveAll(dir) })
	if !embedded {
		p, err := launch("server", dir)
		if err != nil {
			s.close()
			return nil, err
		}
		s.ends = append(s.ends, p.end)
		s.url = p.said
		s.nc, err = nats.Connect(s.url)
		return s.connected(err)
	}
	srv, err := startServer(dir)
	if err != nil {
		s.close()
		return nil, err
	}
	s.ends = append(s.ends, func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	s.url = srv.ClientURL()
	s.nc, err = nats.Connect("", nats.InProcessServer(srv))
	return s.connected(err)
}

func (s *site) connected(err error) (*site, error) {
	if err != nil {
		s.close()
		return nil, err
	}
	s.ends = append(s.ends, s.nc.Close)
	return s, nil
}

func (s *site) close() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}

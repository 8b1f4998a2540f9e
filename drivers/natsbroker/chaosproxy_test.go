package natsbroker

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is a network that can be disturbed: it hands on what comes, to the server
// and back.
type proxy struct {
	listener net.Listener
	to       string
	wait     sync.WaitGroup
	closed   chan struct{}

	mu     sync.Mutex
	links  map[*link]struct{}
	open   chan struct{} // closed while bytes go through
	delay  time.Duration // of each piece of data
	losing []byte        // how a message begins whose answer is to be lost, nil for none
	lost   chan struct{} // closed when that has happened
}

// link is the connection of one client.
type link struct {
	in, out net.Conn
	reply   []byte // where the answer goes that the client is not to have, nil if it may have all
	deaf    bool   // that answer has come: the client hears nothing any more
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, closed: make(chan struct{}), links: map[*link]struct{}{}, open: make(chan struct{})}
	close(p.open)
	p.wait.Go(p.accept)
	return p
}

func (p *proxy) at() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wait.Go(func() { p.join(in) })
	}
}

// join connects a client with the server, until one of them, or a cut, ends it.
func (p *proxy) join(in net.Conn) {
	defer in.Close()
	out, err := net.DialTimeout("tcp", p.to, time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	l := &link{in: in, out: out}
	p.mu.Lock()
	select {
	case <-p.closed:
		p.mu.Unlock()
		return
	default:
		p.links[l] = struct{}{}
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	}()
	var both sync.WaitGroup
	both.Go(func() { p.carry(l, in, out) })
	p.carry(l, out, in)
	both.Wait()
}

// carry hands on what comes from one end of a link to the other.
func (p *proxy) carry(l *link, from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if err != nil {
			return
		}
		p.mu.Lock()
		open, delay := p.open, p.delay
		heard := p.hear(l, from, piece[:n])
		p.mu.Unlock()
		if !heard {
			continue
		}
		if delay > 0 {
			select {
			case <-time.After(delay):
			case <-p.closed:
				return
			}
		}
		select {
		case <-open:
		case <-p.closed:
			return
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}

// hear reports whether a piece of data that comes from one end is for the other, and
// notes what it is if an answer is to be lost. p.mu is held.
func (p *proxy) hear(l *link, from net.Conn, piece []byte) bool {
	if from == l.in {
		if at := bytes.Index(piece, p.losing); p.losing != nil && at >= 0 {
			line, _, _ := bytes.Cut(piece[at:], []byte("\r\n"))
			if parts := bytes.Fields(line); len(parts) > 3 { // PUB, the subject, where to answer, the size
				l.reply, p.losing = bytes.Clone(parts[2]), nil
			}
		}
		return true
	}
	if !l.deaf && l.reply != nil && bytes.Contains(piece, l.reply) {
		l.deaf = true
		close(p.lost)
	}
	return !l.deaf
}

// loseAnswer lets the next message that begins in some way through to the server, and
// not its answer, nor what else comes after it, until the connection is cut. The
// channel is closed when the answer was there: the server has done its part.
func (p *proxy) loseAnswer(message string) (lost <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.losing, p.lost = []byte(message), make(chan struct{})
	return p.lost
}

// say has the clients hear what the server has not said. Nothing may be on its way to them.
func (p *proxy) say(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.in.Write([]byte(message))
	}
}

// cut ends connections: each for which choose says so.
func (p *proxy) cut(choose func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if choose() {
			l.in.Close()
			l.out.Close()
		}
	}
}

// stall lets nothing through until the returned function is called.
func (p *proxy) stall() (end func()) {
	open := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = open
	return sync.OnceFunc(func() { close(open) })
}

// slow makes each piece of data wait.
func (p *proxy) slow(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *proxy) close() {
	p.mu.Lock()
	close(p.closed)
	p.mu.Unlock()
	p.listener.Close()
	p.cut(func() bool { return true })
	p.wait.Wait()
}

package runnel

import (
	"runtime/debug"
	"sync/atomic"
)

// progress tells a function how many items have ended.
type progress struct {
	call  func(done, total int)
	total int
	done  atomic.Int64
	wake  chan struct{} // closed when there is nothing more to tell
	ended chan struct{}
	err   error // valid once ended
}

// newProgress starts telling; a nil function gives a nil progress, which does
// nothing.
func newProgress(call func(done, total int), total int) *progress {
	if call == nil {
		return nil
	}
	p := &progress{call: call, total: total, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go p.tell()
	return p
}

// add counts items that have ended.
func (p *progress) add(items int) {
	if p == nil || items == 0 {
		return
	}
	p.done.Add(int64(items))
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// close waits until everything was told, and returns how the function failed.
func (p *progress) close() error {
	if p == nil {
		return nil
	}
	close(p.wake)
	<-p.ended
	return p.err
}

func (p *progress) tell() {
	defer close(p.ended)
	p.err = ErrGoexit // unless it comes to its end, or panics
	defer func() {
		if v := recover(); v != nil {
			p.err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	told := 0
	for open := true; open; {
		_, open = <-p.wake
		for told < int(p.done.Load()) {
			told++
			p.call(told, p.total)
		}
	}
	p.err = nil
}

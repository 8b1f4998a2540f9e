package runnel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/runnelflow/runnel/broker"
)

// failureOf is an error as a worker sends it. Of one whose methods panic only the text
// is sent: it would harm the run as it would the worker.
func failureOf(err error) (f *broker.Failure) {
	defer func() {
		if p := recover(); p != nil {
			f = &broker.Failure{Text: fmt.Sprintf("%v (only this text was sent, since a method of the error panicked: %v)", err, p), Permanent: true}
		}
	}()
	f = &broker.Failure{Err: err, Text: err.Error()}
	if _, ok := errors.AsType[*permanentError](err); ok {
		f.Permanent = true
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		f.Kind, f.Stack = broker.Panicked, p.Stack
		return f
	}
	switch {
	case errors.Is(err, ErrSkipped):
		f.Kind = broker.Skipped
	case errors.Is(err, ErrGoexit):
		f.Kind = broker.Exited
	case errors.Is(err, context.DeadlineExceeded):
		f.Kind = broker.TimedOut
	case errors.Is(err, context.Canceled):
		f.Kind = broker.Cancelled
	}
	return f
}

// errorOf is the error that a worker sent: the error itself when it comes from this
// process, otherwise one that reads like it and matches what its kind does.
func errorOf(f *broker.Failure) error {
	err := f.Err
	if err == nil {
		err = &remoteError{f}
	}
	if _, ok := errors.AsType[*permanentError](err); f.Permanent && !ok {
		err = &permanentError{err}
	}
	return err
}

// remoteError is an error of another process.
type remoteError struct{ failure *broker.Failure }

func (e *remoteError) Error() string { return e.failure.Text }

func (e *remoteError) Is(target error) bool {
	switch e.failure.Kind {
	case broker.Skipped:
		return target == ErrSkipped
	case broker.Exited:
		return target == ErrGoexit
	case broker.TimedOut:
		return target == context.DeadlineExceeded
	case broker.Cancelled:
		return target == context.Canceled
	}
	return false
}

// As makes a *PanicError of a panic: its value is what there is of it, the text.
func (e *remoteError) As(target any) bool {
	p, ok := target.(**PanicError)
	if ok = ok && e.failure.Kind == broker.Panicked; ok {
		value := strings.TrimSuffix(e.failure.Text, "\n\n"+string(e.failure.Stack))
		*p = &PanicError{Value: strings.TrimPrefix(value, "panic: "), Stack: e.failure.Stack}
	}
	return ok
}

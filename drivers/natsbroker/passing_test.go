package natsbroker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestALostConnectionPasses: what a broken socket says is no reason to give up a job
// or a worker; what the server says of the request is.
func TestALostConnectionPasses(t *testing.T) {
	for _, err := range []error{
		nats.ErrTimeout, nats.ErrDisconnected, io.EOF, io.ErrClosedPipe,
		fmt.Errorf("wrapped: %w", &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}),
		&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET},
		&jetstream.APIError{Code: 503},
	} {
		if !passing(err) {
			t.Errorf("%v does not pass", err)
		}
		if sent(err) != nil {
			t.Errorf("%v ends a worker", err)
		}
	}
	for _, err := range []error{errors.New("other"), nats.ErrMaxPayload, &jetstream.APIError{Code: 400}} {
		if passing(err) || sent(err) == nil {
			t.Errorf("%v passes", err)
		}
	}
}

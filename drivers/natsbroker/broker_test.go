package natsbroker

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/broker/brokertest"
)

// TestMain is also the server and the workers of tests that kill them.
func TestMain(m *testing.M) {
	if play := os.Getenv(envRole); play != "" {
		role(play)
		return
	}
	goleak.VerifyTestMain(m)
}

// namespaces are counted, so that the cases share one server.
var namespaces atomic.Int64

// startURL starts a server with files, on a free port of loopback.
func startURL(t *testing.T) string {
	t.Helper()
	b, err := Embedded(t.Context(), t.TempDir(), Listen("127.0.0.1:0"), Namespace("server"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.URL()
}

// options are what a case of the conformance suite asks for.
func options(s brokertest.Settings) []Option {
	opts := []Option{Namespace(fmt.Sprintf("test%d", namespaces.Add(1)))}
	if s.Lease > 0 {
		opts = append(opts, Lease(s.Lease))
	}
	if s.MaxDeliveries > 0 {
		opts = append(opts, MaxDeliveries(s.MaxDeliveries))
	}
	if s.MaxJobs > 0 {
		opts = append(opts, MaxJobs(s.MaxJobs))
	}
	if s.Lifetime > 0 {
		opts = append(opts, Lifetime(max(s.Lifetime, time.Second))) // the server knows no shorter one
	}
	return opts
}

// TestKeepsTheContract over a socket of a real server, with each codec.
func TestKeepsTheContract(t *testing.T) {
	for name, codec := range map[string]Codec{"json": JSON, "cbor": CBOR} {
		t.Run(name, func(t *testing.T) {
			url := startURL(t)
			brokertest.Run(t, func(t *testing.T, s brokertest.Settings) broker.Broker {
				b, err := Connect(t.Context(), url, append(options(s), Encoding(codec))...)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Close)
				return b
			})
		})
	}
}

// TestKeepsRuns over a socket of a real server.
func TestKeepsRuns(t *testing.T) {
	url := startURL(t)
	brokertest.RunKeeper(t, func(t *testing.T, s brokertest.Settings) broker.Keeper {
		b, err := Connect(t.Context(), url, options(s)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	})
}

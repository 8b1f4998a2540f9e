package broker_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/broker/brokertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	brokertest.Run(t, func(_ *testing.T, s brokertest.Settings) broker.Broker {
		return &broker.Memory{Lease: s.Lease, MaxDeliveries: s.MaxDeliveries, MaxJobs: s.MaxJobs}
	})
}

func TestMemoryKeepsRuns(t *testing.T) {
	brokertest.RunKeeper(t, func(_ *testing.T, s brokertest.Settings) broker.Keeper {
		return &broker.Memory{Lease: s.Lease, MaxDeliveries: s.MaxDeliveries, MaxJobs: s.MaxJobs, Lifetime: s.Lifetime}
	})
}

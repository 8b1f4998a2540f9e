package schedule_test

import (
	"testing"

	"github.com/runnelflow/runnel/schedule"
	"github.com/runnelflow/runnel/schedule/storetest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) schedule.Store { return &schedule.Memory{} })
}

package schedule

import (
	"testing"
	_ "time/tzdata" // the zones of the tests, also where the machine has none

	"go.uber.org/goleak"
)

// A scheduler owns its goroutines: none of them may outlive it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

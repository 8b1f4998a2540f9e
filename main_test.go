package runnel_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A run owns its goroutines: none of them may outlive it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

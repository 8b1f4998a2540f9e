package engine

import (
	"testing"

	"go.uber.org/goleak"
)

// Done says that no worker is left: none may be found after the last test.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

package natsbroker

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go/jetstream"
)

// silentOnce is a consumer whose first answer is lost.
type silentOnce struct {
	jetstream.Consumer
	asked int
}

func (c *silentOnce) CachedInfo() *jetstream.ConsumerInfo {
	return &jetstream.ConsumerInfo{NumPending: 3}
}

func (c *silentOnce) Info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	if c.asked++; c.asked == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &jetstream.ConsumerInfo{}, nil
}

// TestALostAnswerHoldsUpNoFollower: of three messages that were there all are gone, and the
// first answer to whether they are does not come.
func TestALostAnswerHoldsUpNoFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handed := 0
		f := &following{deliver: func([]jetstream.Msg) error { handed++; return nil }, came: make(chan struct{}, 1)}
		c := &silentOnce{}
		if err := f.gather(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if handed != 1 || c.asked != 2 {
			t.Errorf("handed over %d times after asking %d times, want once after two", handed, c.asked)
		}
	})
}

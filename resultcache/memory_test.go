package resultcache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/resultcache"
	"github.com/runnelflow/runnel/resultcache/storetest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) resultcache.Store { return resultcache.NewMemory(0) })
}

var ctx = context.Background()

// TestMemoryStaysBelowItsLimit, forgets what was used least recently, and refuses what
// never fits.
func TestMemoryStaysBelowItsLimit(t *testing.T) {
	m := resultcache.NewMemory(10_000)
	put := func(n byte, size int) error {
		return m.Put(ctx, &resultcache.Entry{Key: resultcache.Key{n}, Task: "t", Version: "1", Data: make([]byte, size)})
	}
	has := func(n byte) bool {
		_, err := m.Get(ctx, resultcache.Key{n})
		return err == nil
	}
	for n := range byte(100) {
		if err := put(n, 2000); err != nil {
			t.Fatal(err)
		}
		if st, _ := m.Stats(ctx); st.Bytes > 10_000 || st.Limit != 10_000 {
			t.Fatalf("after %d entries there is %+v", n+1, st)
		}
		if n > 0 && !has(0) {
			t.Fatalf("entry 0 is used all the time, and was forgotten after %d others", n)
		}
	}
	if !has(99) || has(1) {
		t.Error("the last one is gone, or the first one that nobody used is there")
	}
	st, _ := m.Stats(ctx)
	if st.Entries != 4 || st.Evicted != 96 {
		t.Errorf("got %+v, want 4 entries and 96 evicted", st)
	}
	if err := put(7, 20_000); !errors.Is(err, resultcache.ErrTooLarge) || !strings.Contains(err.Error(), "limit is 10000") {
		t.Errorf("error %v", err)
	}
	if again, _ := m.Stats(ctx); again.Entries != 4 {
		t.Errorf("an entry that does not fit has removed others: %+v", again)
	}
}

// TestMemoryExpires at the very instant.
func TestMemoryExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := resultcache.NewMemory(0)
		if err := m.Put(ctx, &resultcache.Entry{Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 1)
		if _, err := m.Get(ctx, resultcache.Key{}); err != nil {
			t.Errorf("a nanosecond before: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := m.Get(ctx, resultcache.Key{}); !errors.Is(err, resultcache.ErrNotFound) {
			t.Errorf("at the hour: %v", err)
		}
	})
}

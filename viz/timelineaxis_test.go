package viz

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		length time.Duration
		most   int
		want   string
	}{
		{0, 8, "0s"},
		{7, 8, "0s 1ns 2ns 3ns 4ns 5ns 6ns 7ns"},
		{950 * time.Microsecond, 5, "0s 200µs 400µs 600µs 800µs"},
		{10500 * time.Millisecond, 8, "0s 2s 4s 6s 8s 10s"},
		{time.Minute, 4, "0s 15s 30s 45s 1m"},
		{100 * time.Minute, 8, "0s 15m 30m 45m 1h 1h15m 1h30m"},
		{30 * time.Hour, 8, "0s 6h 12h 18h 24h 30h"},
		{100 * day, 4, "0s 1200h 2400h"},
	} {
		got := ""
		for i, at := range ticks(c.length, c.most) {
			if i > 0 {
				got += " "
			}
			got += tickLabel(at)
		}
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.length, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "length") >> rapid.IntRange(0, 62).Draw(t, "shift"))
		most := rapid.IntRange(1, 20).Draw(t, "most")
		at := ticks(length, most)
		if len(at) > most+1 || at[0] != 0 || at[len(at)-1] > length {
			t.Fatal(fmt.Sprint(at))
		}
	})
}

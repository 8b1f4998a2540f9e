package natsbroker

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestConnectingUpdatesOnlyWhatHasChanged: the server goes through a stream that is updated.
func TestConnectingUpdatesOnlyWhatHasChanged(t *testing.T) {
	b := embedded(t, t.TempDir())
	updates, err := b.nc.SubscribeSync("$JS.EVENT.ADVISORY.STREAM.UPDATED.>")
	if err != nil {
		t.Fatal(err)
	}
	longer := Lifetime(48 * time.Hour)
	for _, opts := range [][]Option{nil, {longer}} {
		other, err := Open(t.Context(), b.nc, opts...)
		if err != nil {
			t.Fatal(err)
		}
		other.Close()
	}
	c, err := newConfig([]Option{longer})
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]bool{}
	before := b.config.streams()
	for i, s := range c.streams() {
		if !reflect.DeepEqual(s, before[i]) {
			changed[s.Name] = true
		}
	}
	if len(changed) == 0 || len(changed) == len(before) {
		t.Fatalf("%d of %d streams changed, want some", len(changed), len(before))
	}
	for len(changed) > 0 {
		m, err := updates.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatalf("%v: %v were not updated", err, changed)
		}
		name := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
		if !changed[name] {
			t.Errorf("stream %s was updated, which has not changed or was updated already", name)
		}
		delete(changed, name)
	}
}

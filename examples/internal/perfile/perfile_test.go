package perfile

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOdd = errors.New("odd")

func even(_ context.Context, path string) (int, error) {
	n, err := strconv.Atoi(path)
	if err == nil && n%2 == 1 {
		err = errOdd
	}
	return n, err
}

func TestMapKeepsOrderAndErrors(t *testing.T) {
	var paths []string
	for i := range 100 {
		paths = append(paths, fmt.Sprint(i))
	}
	ints, err := Map(context.Background(), Start(paths), even)
	if err != nil {
		t.Fatal(err)
	}
	calls := atomic.Int32{}
	halves, err := Map(context.Background(), ints, func(_ context.Context, n int) (float64, error) {
		calls.Add(1)
		return float64(n) / 2, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 50 {
		t.Errorf("%d calls, want 50: not for files that failed before", calls.Load())
	}
	for i, h := range halves {
		switch {
		case h.Path != paths[i]:
			t.Errorf("%d: path %q", i, h.Path)
		case i%2 == 1 && h.Err != errOdd:
			t.Errorf("%d: error %v, want %v", i, h.Err, errOdd)
		case i%2 == 0 && (h.Err != nil || h.Value != float64(i)/2):
			t.Errorf("%d: %v, %v", i, h.Value, h.Err)
		}
	}
}

// Two Maps at once share the slots, and all slots are used.
func TestSlotsAreShared(t *testing.T) {
	limit := runtime.GOMAXPROCS(0)
	var now, most atomic.Int32
	full := make(chan struct{}) // closed when as many calls run as may
	hold := func(context.Context, string) (int, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if int(n) == limit {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full
		return 0, nil
	}
	paths := Start(make([]string, 10*limit))
	done := make(chan error)
	for range 2 {
		go func() {
			_, err := Map(context.Background(), paths, hold)
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if int(most.Load()) != limit {
		t.Errorf("%d calls at a time, want %d", most.Load(), limit)
	}
}

// A panic is the error of its file: the others go on, and all slots are free again.
func TestPanicsStayWithTheirFile(t *testing.T) {
	var paths []string
	for i := range 4 * runtime.GOMAXPROCS(0) {
		paths = append(paths, fmt.Sprint(i))
	}
	got, err := Map(context.Background(), Start(paths), func(_ context.Context, path string) (byte, error) {
		n, _ := strconv.Atoi(path)
		return []byte("abc")[min(n%2, 1)*7], nil // out of range for every second file
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range got {
		const want = "its analysis panicked: runtime error: index out of range [7] with length 3"
		if i%2 == 0 && (f.Err != nil || f.Value != 'a') || i%2 == 1 && (f.Err == nil || f.Err.Error() != want) {
			t.Errorf("file %d: %q, %v", i, f.Value, f.Err)
		}
	}
	if len(slots) != 0 {
		t.Errorf("%d slots are still taken", len(slots))
	}
}

func TestMapStopsWhenCancelled(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	calls := atomic.Int32{}
	_, err := Map(ctx, Start(make([]string, 1000)), func(ctx context.Context, _ string) (int, error) {
		calls.Add(1)
		cancel(cause)
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
	if err != cause {
		t.Errorf("got %v, want %v", err, cause)
	}
	if calls.Load() == 1000 {
		t.Error("every file was begun")
	}
}

func TestJoin(t *testing.T) {
	e1, e2, e3 := errors.New("1"), errors.New("2"), errors.New("3")
	as := Results[int]{{"a", 1, nil}, {"b", 0, e1}, {"c", 3, nil}, {"d", 4, nil}}
	bs := Results[int]{{"a", 10, nil}, {"b", 0, e2}, {"c", 0, e2}, {"d", 40, nil}}
	cs := Results[int]{{"a", 100, nil}, {"b", 0, e3}, {"c", 300, nil}, {"d", 0, e3}}

	two := Join(as, bs, func(a, b int) int { return a + b })
	want := Results[int]{{"a", 11, nil}, {"b", 0, e1}, {"c", 0, e2}, {"d", 44, nil}}
	if !slices.Equal(two, want) {
		t.Errorf("Join: got %+v, want %+v", two, want)
	}
	three := Join3(as, bs, cs, func(a, b, c int) int { return a + b + c })
	want = Results[int]{{"a", 111, nil}, {"b", 0, e1}, {"c", 0, e2}, {"d", 0, e3}}
	if !slices.Equal(three, want) {
		t.Errorf("Join3: got %+v, want %+v", three, want)
	}
}

package dircache_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/dircache"
	"github.com/runnelflow/runnel/resultcache"
	"github.com/runnelflow/runnel/resultcache/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("DIRCACHE_TEST_HAMMER"); dir != "" {
		hammer(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var ctx = context.Background()

func open(t testing.TB, dir string, limit int64) *dircache.Dir {
	t.Helper()
	d, err := dircache.Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) resultcache.Store { return open(t, filepath.Join(t.TempDir(), "new", "dir"), 0) })
}

func entry(n int) *resultcache.Entry {
	return &resultcache.Entry{Key: sha256.Sum256(fmt.Appendf(nil, "%d", n)), Task: "task", Version: "1", Stored: time.Now().Round(0), Data: bytes.Repeat(fmt.Appendf(nil, "%d ", n), 100)}
}

func files(t testing.TB, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, at fs.DirEntry, err error) error {
		if err == nil && !at.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEntriesOutliveTheProcess, compressed.
func TestEntriesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	e := entry(7)
	e.Data = bytes.Repeat([]byte("all alike"), 1000)
	if err := open(t, dir, 0).Put(ctx, e); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, 0)
	got, err := again.Get(ctx, e.Key)
	if err != nil || !bytes.Equal(got.Data, e.Data) {
		t.Fatalf("%v", err)
	}
	if st, _ := again.Stats(ctx); st.Entries != 1 || st.Bytes > int64(len(e.Data))/10 {
		t.Errorf("%d bytes of data take %+v", len(e.Data), st)
	}
}

// TestDamageIsNoticed wherever it is: whatever byte is changed and wherever the file is
// cut off, Get says that it is damaged, and never gives other data; Prune removes what
// was cut off; and what is put again is there.
func TestDamageIsNoticed(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, 0)
	e := entry(1)
	if err := d.Put(ctx, e); err != nil {
		t.Fatal(err)
	}
	path := files(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Get(ctx, e.Key); !errors.Is(err, resultcache.ErrCorrupt) || !strings.Contains(err.Error(), path) {
			t.Fatalf("%s: error %v, want ErrCorrupt with the file's path", what, err)
		}
	}
	for n := range good {
		check(fmt.Sprintf("cut off at %d of %d", n, len(good)), good[:n])
		if n, err := d.Prune(ctx, 0); n != 1 || err != nil {
			t.Fatalf("Prune: %d, %v", n, err)
		}
		changed := bytes.Clone(good)
		changed[n] ^= 1 << (n % 8)
		check(fmt.Sprintf("byte %d changed", n), changed)
	}
	check("a byte more", append(bytes.Clone(good), 0))
	other := entry(2)
	if err := d.Put(ctx, other); err != nil {
		t.Fatal(err)
	}
	for _, f := range files(t, dir) {
		if f != path {
			b, _ := os.ReadFile(f)
			check("the file of another key", b)
		}
	}
	if err := d.Put(ctx, e); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Get(ctx, e.Key); err != nil || !bytes.Equal(got.Data, e.Data) {
		t.Fatal(err)
	}
}

// TestDamagedEntryIsComputedAgain in a run, with a warning.
func TestDamagedEntryIsComputedAgain(t *testing.T) {
	dir := t.TempDir()
	calls := 0
	task := runnel.NewTask("x", runnel.Pure(func(in struct{ N int }) int { calls++; return in.N + 1 }), runnel.Cached("1", 0))
	p, err := runnel.FromTasks(task)
	if err != nil {
		t.Fatal(err)
	}
	var warning error
	run := func() {
		t.Helper()
		res, err := p.Run(ctx, runnel.Values{"n": 1}, runnel.ResultCache(open(t, dir, 0)), runnel.Observe(func(e runnel.Event) {
			if m, ok := e.(runnel.CacheMiss); ok {
				warning = m.Err
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := task.Get(res); v != 2 || err != nil {
			t.Fatal(v, err)
		}
	}
	run()
	run()
	if calls != 1 || warning != nil {
		t.Fatalf("%d calls, warning %v", calls, warning)
	}
	if err := os.Truncate(files(t, dir)[0], 60); err != nil {
		t.Fatal(err)
	}
	run()
	if calls != 2 || !errors.Is(warning, resultcache.ErrCorrupt) {
		t.Errorf("%d calls, warning %v", calls, warning)
	}
	run()
	if calls != 2 {
		t.Errorf("%d calls after it was stored again", calls)
	}
}

// TestDirStaysBelowItsLimit, and what was used last stays.
func TestDirStaysBelowItsLimit(t *testing.T) {
	const limit = 20_000
	d := open(t, t.TempDir(), limit)
	random := rand.NewChaCha8([32]byte{})
	for n := range 100 {
		e := entry(n)
		e.Data = make([]byte, 1000)
		_, _ = random.Read(e.Data)
		if err := d.Put(ctx, e); err != nil {
			t.Fatal(err)
		}
		if st, err := d.Stats(ctx); err != nil || st.Bytes > limit {
			t.Fatalf("after %d: %+v, %v", n+1, st, err)
		}
		if _, err := d.Get(ctx, entry(0).Key); err != nil {
			t.Fatalf("entry 0 is used all the time, and after %d others: %v", n, err)
		}
	}
	if st, _ := d.Stats(ctx); st.Entries < 10 || st.Evicted < 70 {
		t.Errorf("%+v", st)
	}
	e := entry(1000)
	e.Data = make([]byte, 50_000)
	_, _ = random.Read(e.Data)
	if err := d.Put(ctx, e); !errors.Is(err, resultcache.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if _, err := dircache.Open(t.TempDir(), -1); err == nil {
		t.Error("a negative limit was taken")
	}
}

// TestWhatDeadWritersLeave is removed once it is old.
func TestWhatDeadWritersLeave(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, 0)
	if err := d.Put(ctx, entry(1)); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(files(t, dir)[0])
	for name, age := range map[string]time.Duration{".writing-old": 2 * time.Hour, ".writing-new": 0} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := d.Prune(ctx, 0); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if left := files(t, dir); len(left) != 2 || strings.Contains(fmt.Sprint(left), "old") {
		t.Errorf("left: %q", left)
	}
}

// hammer writes, reads and removes entries until it is killed. It says what is wrong.
func hammer(dir string) {
	d, err := dircache.Open(dir, 50_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready")
	for i := 0; ; i++ {
		e := entry(rand.IntN(40))
		switch i % 4 {
		case 0:
			err = d.Put(ctx, e)
		case 3:
			if i%64 == 3 {
				_, err = d.Prune(ctx, 20_000)
			}
		default:
			var got *resultcache.Entry
			got, err = d.Get(ctx, e.Key)
			if errors.Is(err, resultcache.ErrNotFound) {
				err = nil
			} else if err == nil && !bytes.Equal(got.Data, e.Data) {
				err = errors.New("other data")
			}
		}
		if err != nil {
			fmt.Println("wrong:", err)
			return
		}
	}
}

// hammering is a process that hammers.
type hammering struct {
	*exec.Cmd
	said bytes.Buffer
	over chan struct{} // closed when it says no more
}

func startHammer(t *testing.T, dir string) *hammering {
	t.Helper()
	h := &hammering{Cmd: exec.Command(os.Args[0]), over: make(chan struct{})}
	h.Env = append(os.Environ(), "DIRCACHE_TEST_HAMMER="+dir)
	out, err := h.StdoutPipe()
	if err == nil {
		err = h.Start()
	}
	if err == nil {
		_, err = io.ReadFull(out, make([]byte, len("ready\n")))
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(h.over)
		_, _ = h.said.ReadFrom(out)
	}()
	return h
}

// kill kills the process and returns what it said.
func (h *hammering) kill() string {
	_ = h.Process.Kill()
	<-h.over
	_ = h.Wait()
	return h.said.String()
}

// TestProcessesShareADirectory: several write, read and prune at once, and are killed in
// the middle of it; none ever reads anything that is not whole.
func TestProcessesShareADirectory(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		var all []*hammering
		for range 3 {
			all = append(all, startHammer(t, dir))
		}
		d := open(t, dir, 0)
		for n := range 3000 {
			e := entry(n % 40)
			got, err := d.Get(ctx, e.Key)
			if err == nil && !bytes.Equal(got.Data, e.Data) || err != nil && !errors.Is(err, resultcache.ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
		}
		for _, h := range all {
			if said := h.kill(); strings.Contains(said, "wrong") {
				t.Errorf("a process said %q", said)
			}
		}
	}
	d := open(t, dir, 0)
	for n := range 40 {
		if _, err := d.Get(ctx, entry(n).Key); err != nil && !errors.Is(err, resultcache.ErrNotFound) {
			t.Errorf("after all were killed: %v", err)
		}
	}
}

func BenchmarkHit(b *testing.B) {
	d := open(b, b.TempDir(), 0)
	if err := d.Put(ctx, entry(1)); err != nil {
		b.Fatal(err)
	}
	key := entry(1).Key
	for b.Loop() {
		if _, err := d.Get(ctx, key); err != nil {
			b.Fatal(err)
		}
	}
}

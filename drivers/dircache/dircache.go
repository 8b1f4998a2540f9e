// Package dircache keeps the results of tasks in a directory: a [resultcache.Store]
// that outlives the process, and that several processes may use at once.
//
//	store, err := dircache.Open("cache", 1<<30) // at most about 1 GiB
//	…
//	res, err := p.Run(ctx, in, runnel.ResultCache(store))
package dircache

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/runnelflow/runnel/resultcache"
)

// Dir is a directory of results, each a file of its own, compressed with zstd. A file
// is written under another name and then renamed, so that who reads it, in whatever
// process, has the whole or nothing. Each has a checksum: one that was cut off or
// damaged, as by a loss of power, is [resultcache.ErrCorrupt], and is replaced by the
// next result. Files are readable by their owner alone. It is safe for concurrent use.
type Dir struct {
	root  string
	limit int64

	mu      sync.Mutex
	total   int64 // bytes of the files, about: others write too
	counted bool
	pruning bool
	stats   resultcache.Stats
}

var _ resultcache.Store = (*Dir)(nil)

// Open opens a directory, and makes it if there is none. When its files take more than
// limit bytes, those that were used least recently are removed until a tenth of it is
// free; 0 sets no limit. With several processes the limit is kept about, by those that
// have one.
func Open(dir string, limit int64) (*Dir, error) {
	if limit < 0 {
		return nil, fmt.Errorf("dircache: the limit must be 0 or more bytes, got %d: 0 sets none", limit)
	}
	root, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(root, 0o777)
	}
	if err != nil {
		return nil, fmt.Errorf("dircache: %w", err)
	}
	return &Dir{root: root, limit: limit}, nil
}

// suffix is that of the files of entries.
const suffix = ".result"

// path is where an entry is. Folders have about a 256th of the files each.
func (d *Dir) path(key resultcache.Key) string {
	name := hex.EncodeToString(key[:])
	return filepath.Join(d.root, name[:2], name[2:]+suffix)
}

// Get implements [resultcache.Store].
func (d *Dir) Get(ctx context.Context, key resultcache.Key) (*resultcache.Entry, error) {
	e, err := d.get(ctx, key)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.stats.Misses++
		return nil, err
	}
	d.stats.Hits++
	return e, nil
}

func (d *Dir) get(ctx context.Context, key resultcache.Key) (*resultcache.Entry, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	path := d.path(key)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, resultcache.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("dircache: %w", err)
	}
	e, err := unpack(b)
	if err == nil && e.Key != key {
		err = errors.New("it is that of another key")
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("dircache: %s: %w: %w", path, resultcache.ErrCorrupt, err)
	case isOver(e.Expires):
		return nil, resultcache.ErrNotFound
	}
	used(path)
	return e, nil
}

func isOver(expires time.Time) bool { return !expires.IsZero() && !time.Now().Before(expires) }

// used notes that a file was used now. It may be gone, or belong to somebody else: then
// its time stays as it is.
func used(path string) {
	now := time.Now()
	_ = os.Chtimes(path, now, now)
}

// Put implements [resultcache.Store].
func (d *Dir) Put(ctx context.Context, e *resultcache.Entry) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b, err := pack(e)
	if err != nil {
		return fmt.Errorf("dircache: %w", err)
	}
	size := int64(len(b))
	if d.limit > 0 && size > d.limit {
		return fmt.Errorf("dircache: %w: it takes %d bytes, and the limit is %d", resultcache.ErrTooLarge, size, d.limit)
	}
	if err := write(d.path(e.Key), b); err != nil {
		return fmt.Errorf("dircache: %w", err)
	}
	d.mu.Lock()
	d.stats.Puts++
	d.mu.Unlock()
	return d.grown(ctx, size)
}

// temporary is how files begin that are being written.
const temporary = ".writing-"

// write writes a file that is whole whenever it is there. It need not be on the disk:
// what a loss of power leaves of it does not match its checksum.
func write(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, temporary+"*")
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		f, err = os.CreateTemp(dir, temporary+"*")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		used(f.Name()) // the clock of files is coarser
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// grown counts bytes that were written, and makes room when they are too many.
func (d *Dir) grown(ctx context.Context, by int64) error {
	if d.limit == 0 {
		return nil
	}
	d.mu.Lock()
	d.total += by
	full := (d.total > d.limit || !d.counted) && !d.pruning
	d.pruning = d.pruning || full
	d.mu.Unlock()
	if !full {
		return nil
	}
	n, left, err := d.shrink(ctx, func(total int64) int64 {
		if total <= d.limit {
			return total
		}
		return d.limit - d.limit/10
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pruning = false
	if err == nil {
		d.total, d.counted = left, true
		d.stats.Evicted += int64(n)
	}
	return err
}

package dircache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/resultcache"
)

// file is a file of an entry.
type file struct {
	path string
	size int64
	used time.Time
}

// abandonedAfter is how old a file is that is being written and whose writer has died.
const abandonedAfter = time.Hour

// files are those of all entries. What writers that died have left behind is removed.
func (d *Dir) files(ctx context.Context) (all []file, err error) {
	err = filepath.WalkDir(d.root, func(path string, at fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // another process has removed it
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case at.IsDir():
			return nil
		}
		info, err := at.Info()
		if err != nil {
			return ignoreGone(err)
		}
		name := at.Name()
		switch {
		case strings.HasSuffix(name, suffix):
			all = append(all, file{path, info.Size(), info.ModTime()})
		case strings.HasPrefix(name, temporary) && time.Since(info.ModTime()) > abandonedAfter:
			return ignoreGone(os.Remove(path))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dircache: %w", err)
	}
	return all, nil
}

// ignoreGone is the error unless it says that another process was faster.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// remove removes a file, and reports whether it was there.
func remove(f file) (bool, error) {
	err := os.Remove(f.path)
	return err == nil, ignoreGone(err)
}

// Invalidate implements [resultcache.Store]. It reads the head of each file.
func (d *Dir) Invalidate(ctx context.Context, task, version string) (int, error) {
	return d.removeIf(ctx, func(h *header, err error) bool {
		return err == nil && (task == "" || h.Task == task) && (version == "" || h.Version == version)
	})
}

// Prune implements [resultcache.Store]. It reads the head of each file: data that was
// damaged without a change of its size is noticed by Get alone. It also removes what
// writers that were killed more than an hour ago have left.
func (d *Dir) Prune(ctx context.Context, maxBytes int64) (int, error) {
	n, err := d.removeIf(ctx, func(h *header, err error) bool {
		return err != nil && !errors.Is(err, fs.ErrPermission) || err == nil && isOver(h.Expires)
	})
	if err != nil || maxBytes <= 0 {
		return n, err
	}
	more, _, err := d.shrink(ctx, func(int64) int64 { return maxBytes })
	return n + more, err
}

func (d *Dir) removeIf(ctx context.Context, gone func(*header, error) bool) (n int, err error) {
	all, err := d.files(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range all {
		h, err := headerOf(f.path)
		if errors.Is(err, fs.ErrNotExist) || !gone(&h, err) {
			continue
		}
		there, err := remove(f)
		if err != nil {
			return n, fmt.Errorf("dircache: %w", err)
		}
		if there {
			n++
		}
	}
	return n, nil
}

// shrink removes what was used least recently until the files take no more than to
// says of what they take. It returns how many it removed, and what is left.
func (d *Dir) shrink(ctx context.Context, to func(total int64) int64) (n int, left int64, err error) {
	all, err := d.files(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, f := range all {
		left += f.size
	}
	most := to(left)
	slices.SortFunc(all, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range all {
		if left <= most {
			break
		}
		there, err := remove(f)
		if err != nil {
			return n, left, fmt.Errorf("dircache: %w", err)
		}
		left -= f.size
		if there {
			n++
		}
	}
	return n, left, nil
}

// Stats implements [resultcache.Store]. It looks at each file's size.
func (d *Dir) Stats(ctx context.Context) (resultcache.Stats, error) {
	all, err := d.files(ctx)
	if err != nil {
		return resultcache.Stats{}, err
	}
	d.mu.Lock()
	s := d.stats
	d.mu.Unlock()
	s.Entries, s.Limit = len(all), d.limit
	for _, f := range all {
		s.Bytes += f.size
	}
	return s, nil
}

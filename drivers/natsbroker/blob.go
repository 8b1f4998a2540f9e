package natsbroker

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// chunkSize is how much of a stored value one message has: well below the 1 MiB
// that a server takes unless it is told otherwise.
const chunkSize = 512 << 10

// store puts the bytes of a value where others find them by their hash.
func (b *Broker) store(ctx context.Context, run string, data []byte, w *wireValue) error {
	w.Ref, w.Size = digest(data), int64(len(data))
	w.Chunks = (len(data) + chunkSize - 1) / chunkSize
	b.mu.Lock()
	at, known := b.stored[token(run)][w.Ref]
	b.mu.Unlock()
	if known && time.Since(at) < b.config.lifetime/2 {
		return nil
	}
	for k := range w.Chunks {
		part := data[k*chunkSize : min((k+1)*chunkSize, len(data))]
		err := b.waitForRoom(ctx, func(ctx context.Context) error {
			_, err := b.js.Publish(ctx, b.names.value(run, w.Ref, k), part)
			return err
		})
		if err != nil {
			return fmt.Errorf("a value of %d bytes cannot be stored: %w", len(data), err)
		}
	}
	b.mu.Lock()
	if b.stored[token(run)] == nil {
		b.stored[token(run)] = map[string]time.Time{}
	}
	b.stored[token(run)][w.Ref] = time.Now()
	b.mu.Unlock()
	return nil
}

// fetch gets the bytes of a stored value.
func (b *Broker) fetch(ctx context.Context, run string, w *wireValue) ([]byte, error) {
	return b.blobs.get(ctx, w.Ref, func() ([]byte, error) {
		if w.Size < 0 || w.Size > b.config.maxValue {
			return nil, &tooLarge{"a stored value", w.Size, b.config.maxValue, "raise MaxValue in this process too"}
		}
		data := make([]byte, 0, w.Size)
		for k := range w.Chunks {
			err := b.ride(ctx, func(ctx context.Context) error {
				m, err := b.stream("values").GetLastMsgForSubject(ctx, b.names.value(run, w.Ref, k))
				if err == nil {
					data = append(data, m.Data...)
				}
				return err
			})
			if isNotFound(err) {
				return nil, fmt.Errorf("a stored value of %d bytes is gone: its run has ended, or took longer than the lifetime of %v", w.Size, b.config.lifetime)
			}
			if err != nil {
				return nil, err
			}
		}
		if digest(data) != w.Ref {
			return nil, fmt.Errorf("a stored value of %d bytes is damaged: its hash differs", w.Size)
		}
		return data, nil
	})
}

func isNotFound(err error) bool {
	return errors.Is(err, jetstream.ErrMsgNotFound)
}

// blobs keeps stored values that were fetched, for the next job that takes the
// same: many elements often share one large input.
type blobs struct {
	mu    sync.Mutex
	byRef map[string]*list.Element
	used  list.List // of *blob, the last used in front
	size  int64
}

// keptBlobs is how many bytes are kept.
const keptBlobs = 64 << 20

type blob struct {
	ref  string
	once sync.Once
	data []byte
	err  error
	cut  bool // the context of the one who fetched it has ended
}

func newBlobs() *blobs { return &blobs{byRef: map[string]*list.Element{}} }

// get is the bytes of a value, fetched by one of those who ask.
func (s *blobs) get(ctx context.Context, ref string, fetch func() ([]byte, error)) ([]byte, error) {
	for {
		s.mu.Lock()
		e := s.byRef[ref]
		if e == nil {
			e = s.used.PushFront(&blob{ref: ref})
			s.byRef[ref] = e
		}
		s.used.MoveToFront(e)
		s.mu.Unlock()
		v := e.Value.(*blob)
		v.once.Do(func() {
			data, err := fetch()
			v.cut = err != nil && ctx.Err() != nil
			s.settle(e, data, err)
		})
		if !v.cut || ctx.Err() != nil {
			return v.data, v.err
		}
	}
}

// settle counts what was fetched, and lets go of what was used longest ago.
func (s *blobs) settle(e *list.Element, data []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := e.Value.(*blob)
	v.data, v.err = data, err
	if v.err != nil || int64(len(v.data)) > keptBlobs {
		s.drop(e)
		return
	}
	s.size += int64(len(v.data))
	for last := s.used.Back(); s.size > keptBlobs && last != nil; {
		before := last.Prev()
		if old := last.Value.(*blob); old.data != nil {
			s.size -= int64(len(old.data))
			s.drop(last)
		}
		last = before
	}
}

func (s *blobs) drop(e *list.Element) {
	delete(s.byRef, e.Value.(*blob).ref)
	s.used.Remove(e)
}

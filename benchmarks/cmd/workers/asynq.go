package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// The library asynq on Redis, at its defaults but for as many tasks at once as the
// worker of Runnel has.

const (
	asynqTask = "nothing"
	asynqDone = "asynq-done"
	enqueuers = 64 // goroutines that hand over tasks: a single one waits for each answer
)

// onRedis is who hands over tasks.
type onRedis struct {
	client *asynq.Client
	redis  *redis.Client
	size   int
	ends   []func()
}

// newOnRedis starts Redis and a process with a server of asynq, which is what it calls
// a worker.
func newOnRedis(ctx context.Context, size int) (*onRedis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "benchmark")
	if err != nil {
		return nil, err
	}
	r := &onRedis{size: max(size, 8), ends: []func(){func() { os.RemoveAll(dir) }}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.close()
		return nil, err
	}
	at, port := l.Addr().String(), l.Addr().(*net.TCPAddr).Port
	l.Close()
	// A log of what it does, synced each second: less than that loses tasks when the
	// process dies.
	server := exec.Command(program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning")
	server.Stdout, server.Stderr = io.Discard, os.Stderr
	if err := server.Start(); err != nil {
		r.close()
		return nil, err
	}
	r.ends = append(r.ends, func() {
		_ = server.Process.Kill() // fails only when it has ended
		_ = server.Wait()
	})
	r.redis = redis.NewClient(&redis.Options{Addr: at, MaxRetries: 100})
	r.ends = append(r.ends, func() { _ = r.redis.Close() })
	if err := r.redis.Ping(ctx).Err(); err != nil {
		r.close()
		return nil, fmt.Errorf("redis-server: %w", err)
	}
	worker, err := launch("asynq", at)
	if err != nil {
		r.close()
		return nil, err
	}
	r.ends = append(r.ends, worker.end)
	r.client = asynq.NewClient(asynq.RedisClientOpt{Addr: at})
	r.ends = append(r.ends, func() { _ = r.client.Close() })
	return r, nil
}

func (r *onRedis) close() {
	for i := len(r.ends) - 1; i >= 0; i-- {
		r.ends[i]()
	}
}

// workForAsynq is the process of the worker. It tells when as many tasks as each of
// them says are done.
func workForAsynq(ctx context.Context, at string) error {
	tell := redis.NewClient(&redis.Options{Addr: at})
	defer tell.Close()
	s := asynq.NewServer(asynq.RedisClientOpt{Addr: at}, asynq.Config{Concurrency: fetch, Logger: quiet{}})
	var done atomic.Uint64
	err := s.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		if n := binary.BigEndian.Uint64(t.Payload()); done.Add(1) == n {
			done.Store(0)
			return tell.Publish(ctx, asynqDone, "").Err()
		}
		return nil
	}))
	if err != nil {
		return err
	}
	ready()
	<-ctx.Done()
	s.Shutdown()
	return nil
}

// quiet is a logger that is none.
type quiet struct{}

func (quiet) Debug(...any) {}
func (quiet) Info(...any)  {}
func (quiet) Warn(...any)  {}
func (quiet) Error(...any) {}
func (quiet) Fatal(...any) {}

// all hands over so many tasks and waits until all are done.
func (r *onRedis) all(ctx context.Context, n int) error {
	sub := r.redis.Subscribe(ctx, asynqDone)
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	data := make([]byte, r.size)
	binary.BigEndian.PutUint64(data, uint64(n))
	var wait sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, enqueuers)
	for range enqueuers {
		wait.Go(func() {
			for next.Add(1) <= int64(n) {
				if _, err := r.client.EnqueueContext(ctx, asynq.NewTask(asynqTask, data)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wait.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	_, err := sub.ReceiveMessage(ctx)
	return err
}

// latency is the median of what one task takes, in nanoseconds, from when it is handed
// over until its worker tells that it is done. A worker that has nothing to do looks
// for tasks once a second.
func (r *onRedis) latency(ctx context.Context, n int) (float64, error) {
	var took []time.Duration
	for range n {
		began := time.Now()
		if err := r.all(ctx, 1); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()), nil
}

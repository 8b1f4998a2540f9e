package natsbroker

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
)

// The pipeline of these tests: a fan-out, two mapped tasks in a row, and a sum. What
// an element does is written to a ledger under its idempotency key.
var (
	numbers = runnel.NewTask("numbers", runnel.Pure(func(in struct{ Count int }) []int {
		all := make([]int, in.Count)
		for k := range all {
			all[k] = k
		}
		return all
	}))
	squares = runnel.NewMapTask("squares[i]", func(ctx context.Context, in struct {
		N int `runnel:"numbers[i]"`
	}) (int, error) {
		pause(ctx, time.Duration(rand.IntN(3))*time.Millisecond)
		if in.N%50 == 7 && runnel.Info(ctx).Attempt == 1 {
			return 0, fmt.Errorf("the first attempt at %d fails", in.N)
		}
		return in.N * in.N, nil
	}, runnel.Retries(2), runnel.RetryDelay(10*time.Millisecond))
	halves = runnel.NewMapTask("halves[i]", func(ctx context.Context, in struct {
		S int `runnel:"squares[i]"`
	}) (float64, error) {
		pause(ctx, time.Millisecond)
		return float64(in.S) / 2, nil
	})
	total = runnel.Fold("total", "halves", 0.0, func(_ context.Context, sum, h float64) (float64, error) { return sum + h, nil })
)

// pause is work that takes a while.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

const shortLease = time.Second

// role is what a process of a test does until it is killed, or told to end.
func role(play string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ns, at := Namespace("processes"), os.Getenv("NATSBROKER_TEST_AT")
	var err error
	switch play {
	case "server":
		var b *Broker
		if b, err = Embedded(ctx, os.Getenv("NATSBROKER_TEST_DIR"), ns, Lease(shortLease), Listen(at)); err == nil {
			fmt.Println("ready")
			<-ctx.Done()
			b.Close()
		}
	case "worker":
		var b *Broker
		if b, err = Connect(ctx, "nats://"+at, ns, Lease(shortLease)); err == nil {
			fmt.Println("ready")
			err = runnel.NewWorker(b, numbers, squares, halves, total, runnel.Concurrency(8)).Run(ctx)
			b.Close()
		}
	}
	if err != nil {
		log.Fatal(err)
	}
}

// start starts a process and waits until it is ready.
func start(t *testing.T, play, at, dir string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "NATSBROKER_TEST_ROLE="+play, "NATSBROKER_TEST_AT="+at, "NATSBROKER_TEST_DIR="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("the %s said %q, %v", play, line, err)
	}
	return c
}

func kill(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}

// TestKilledProcessesLoseNothing: while a run of 2,000 elements in two stages goes
// on, workers are killed and started again all the time, and the server once. The
// run ends with the right sum, and each element as succeeded.
func TestKilledProcessesLoseNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at, dir := l.Addr().String(), t.TempDir()
	l.Close()
	server := start(t, "server", at, dir)
	defer func() { kill(server) }()
	workers := make([]*exec.Cmd, 3)
	for k := range workers {
		workers[k] = start(t, "worker", at, "")
	}
	defer func() {
		for _, w := range workers {
			kill(w)
		}
	}()

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := Connect(ctx, "nats://"+at, Namespace("processes"), Lease(shortLease))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := runnel.FromTasks(numbers, squares, halves, total)
	if err != nil {
		t.Fatal(err)
	}
	const count = 2000
	var done atomic.Int64
	run, err := p.Start(ctx, runnel.Values{"count": count}, runnel.WithBroker(b), runnel.RunID("killed"), runnel.Observe(func(e runnel.Event) {
		if e, ok := e.(runnel.TaskFinished); ok && e.Index != nil {
			done.Add(1)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	kills, r := 0, rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for ended := false; !ended; {
		select {
		case <-run.Done():
			ended = true
		case <-time.After(time.Duration(200+r.IntN(400)) * time.Millisecond):
			k := r.IntN(len(workers))
			kill(workers[k])
			if kills++; kills == 3 {
				kill(server)
				server = start(t, "server", at, dir)
			}
			workers[k] = start(t, "worker", at, "")
		}
	}
	res, err := run.Wait(ctx)
	if err != nil {
		t.Fatalf("after %d kills: %v", kills, err)
	}
	want := 0.0
	for k := range count {
		want += float64(k*k) / 2
	}
	if got, err := total.Get(res); err != nil || got != want {
		t.Errorf("the sum is %v, %v, want %v", got, err, want)
	}
	if done.Load() != 2*count {
		t.Errorf("%d elements ended, want %d, each once", done.Load(), 2*count)
	}
	for _, name := range []string{"squares", "halves"} {
		task, _ := res.Report().Task(name)
		if task.Elements == nil || task.Elements.Succeeded != count {
			t.Errorf("task %s: %+v", name, task.Elements)
		}
	}
	if kills < 3 {
		t.Errorf("there were only %d kills: the run was too short to show anything", kills)
	}
	t.Logf("%d kills, %d elements, none lost", kills, done.Load())
}

// TestARunIsTakenUpByAnotherProcess: a run whose own process stopped is started again
// under its id, and does what is not done.
func TestARunIsTakenUpByAnotherProcess(t *testing.T) {
	url := startURL(t)
	connect := func() *Broker {
		b, err := Connect(t.Context(), url, Namespace("resumed"), Lease(shortLease))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var calls atomic.Int64
	step := func(name string, inputs ...string) runnel.AnyTask {
		return runnel.NewValuesTask(name, inputs, []string{name}, func(context.Context, runnel.Values) (runnel.Values, error) {
			calls.Add(1)
			return runnel.Values{name: name}, nil
		})
	}
	gate := make(chan struct{})
	last := runnel.NewValuesTask("last", []string{"b"}, []string{"last"}, func(ctx context.Context, _ runnel.Values) (runnel.Values, error) {
		select {
		case <-gate:
			return runnel.Values{"last": 1}, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	})
	tasks := []runnel.AnyTask{step("a"), step("b", "a"), last}
	p, err := runnel.FromTasks(tasks...)
	if err != nil {
		t.Fatal(err)
	}
	wb := connect()
	defer wb.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(wb, p, runnel.DrainTimeout(time.Second)).Run(ctx) }()

	first := connect()
	began := make(chan struct{})
	_, err = p.Start(t.Context(), nil, runnel.WithBroker(first), runnel.RunID("nightly"), runnel.Observe(func(e runnel.Event) {
		if e, ok := e.(runnel.TaskStarted); ok && e.Task == "last" {
			close(began)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-began
	first.Close() // the process is gone

	second := connect()
	defer second.Close()
	close(gate)
	res, err := p.Run(t.Context(), nil, runnel.WithBroker(second), runnel.RunID("nightly"))
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 2 {
		t.Errorf("the finished tasks were called %d times, want once each", calls.Load())
	}
	if names := slices.Sorted(func(yield func(string) bool) {
		for name := range res.Outputs() {
			if !yield(name) {
				return
			}
		}
	}); !slices.Equal(names, []string{"a", "b", "last"}) {
		t.Errorf("the outputs are %v", names)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

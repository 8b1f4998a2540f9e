package natsbroker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
)

// The pipeline of these tests: a fan-out, two mapped tasks in a row, and a sum. What
// an element does is written to a ledger under its idempotency key.
var (
	numbers = runnel.NewTask("numbers", func(ctx context.Context, in struct{ Count int }) ([]int, error) {
		all := make([]int, in.Count)
		for k := range all {
			all[k] = k
		}
		return all, enter(ctx, strconv.Itoa(in.Count))
	})
	squares = runnel.NewMapTask("squares[i]", func(ctx context.Context, in struct {
		N int `runnel:"numbers[i]"`
	}) (int, error) {
		pause(ctx, time.Duration(rand.IntN(3))*time.Millisecond)
		if in.N%50 == 7 && runnel.Info(ctx).Attempt == 1 {
			return 0, fmt.Errorf("the first attempt at %d fails", in.N)
		}
		return in.N * in.N, enter(ctx, strconv.Itoa(in.N*in.N))
	}, runnel.Retries(2), runnel.RetryDelay(10*time.Millisecond))
	halves = runnel.NewMapTask("halves[i]", func(ctx context.Context, in struct {
		S int `runnel:"squares[i]"`
	}) (float64, error) {
		pause(ctx, time.Millisecond)
		return float64(in.S) / 2, enter(ctx, floatText(float64(in.S)/2))
	})
	total = runnel.NewTask("total", func(ctx context.Context, in struct{ Halves []float64 }) (sum float64, err error) {
		for _, h := range in.Halves {
			sum += h
		}
		return sum, enter(ctx, floatText(sum))
	})
)

func floatText(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// totalOf is the right total.
func totalOf(count int) (sum float64) {
	for k := range count {
		sum += float64(k*k) / 2
	}
	return sum
}

// pause is work that takes a while.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

const shortLease = time.Second

// agreed is what all processes of a test say. A job may be delivered far more often than
// by default, and a run taken over, since processes are killed more often than by
// accident. The process of a direct run is dead sooner.
var agreed = []Option{Namespace("processes"), Lease(shortLease), MaxDeliveries(100), silentAfter(10 * time.Second), Connection(nats.IgnoreDiscoveredServers())}

// The environment of a process of a test.
const (
	envRole   = "NATSBROKER_TEST_ROLE"
	envAt     = "NATSBROKER_TEST_AT"     // the address of the server
	envDir    = "NATSBROKER_TEST_DIR"    // the folder of the server's files
	envLedger = "NATSBROKER_TEST_LEDGER" // the folder of the ledgers
	envRun    = "NATSBROKER_TEST_RUN"    // the id of a run, empty for a direct one
	envHow    = "NATSBROKER_TEST_HOW"    // how it is begun
	envCount  = "NATSBROKER_TEST_COUNT"  // how many elements it has; the graph, if none
	envSeed   = "NATSBROKER_TEST_SEED"   // of the graph
	envFrom   = "NATSBROKER_TEST_FROM"   // when schedules begin
	envUntil  = "NATSBROKER_TEST_UNTIL"  // when they end
)

// role is what a process of a test does until it is killed, or told to end. One that
// ends leaves no goroutine behind.
func role(play string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	before := goleak.IgnoreCurrent()
	err := map[string]func(context.Context) error{"server": playServer, "worker": playWorker, "run": playRun, "napper": playNapper, "driver": playDriver, "coordinator": playCoordinator, "director": playDirector, "doomed": playDoomed, "fatal": playFatal, "scheduler": playScheduler}[play](ctx)
	if err == nil {
		err = goleak.Find(before)
	}
	stop()
	if err != nil {
		log.Fatalf("%s: %v", play, err)
	}
}

func playServer(ctx context.Context) error {
	b, err := Embedded(ctx, os.Getenv(envDir), append(agreed, Listen(os.Getenv(envAt)))...)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}

func playWorker(ctx context.Context) error {
	b, err := connect(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	return runnel.NewWorker(b, numbers, squares, halves, total, runnel.Tasks(graphTasks()...), runnel.Concurrency(8)).Run(ctx)
}

// connect connects to the server, also to one that is away.
func connect(ctx context.Context) (*Broker, error) {
	for {
		b, err := Connect(ctx, "nats://"+os.Getenv(envAt), agreed...)
		if err == nil || ctx.Err() != nil {
			return b, err
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// process is a process of a test.
type process struct {
	play   string
	cmd    *exec.Cmd
	ready  chan struct{} // closed when it has said so
	ended  chan struct{} // closed when it has ended
	output []byte        // what else it said, once it has ended
}

// launch starts a process.
func launch(t *testing.T, play, at string, env ...string) *process {
	t.Helper()
	p := &process{play: play, cmd: exec.Command(os.Args[0]), ready: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), envRole+"="+play, envAt+"="+at), env...)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		r := bufio.NewReader(out)
		if line, _ := r.ReadString('\n'); line == "ready\n" {
			close(p.ready)
		}
		p.output, _ = io.ReadAll(r)
		_ = p.cmd.Wait() // how it ended is in its state
	}()
	return p
}

// start starts a process and waits until it is ready.
func start(t *testing.T, play, at string, env ...string) *process {
	t.Helper()
	p := launch(t, play, at, env...)
	select {
	case <-p.ready:
	case <-p.ended:
		t.Fatalf("the %s has ended: %v", play, p.cmd.ProcessState)
	}
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when it has ended
	<-p.ended
}

// end tells a process to end, which it does without an error.
func (p *process) end(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	p.await(t)
}

// await waits for a process that was told to end: a second signal could find it
// without a handler.
func (p *process) await(t *testing.T) {
	t.Helper()
	<-p.ended
	if !p.cmd.ProcessState.Success() {
		t.Errorf("the %s ended with %v", p.play, p.cmd.ProcessState)
	}
}

// freeAddress is an address of loopback that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestKilledProcessesLoseNothing: while a run of 10,000 elements in two stages goes
// on, workers are killed and started again all the time, and the server once. The
// run ends with the right sum, and each element as succeeded.
func TestKilledProcessesLoseNothing(t *testing.T) {
	at, dir := freeAddress(t), envDir+"="+t.TempDir()
	server := start(t, "server", at, dir)
	defer func() { server.kill() }()
	workers := make([]*process, 3)
	for k := range workers {
		workers[k] = start(t, "worker", at)
	}
	defer func() {
		for _, w := range workers {
			w.kill()
		}
	}()

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := Connect(ctx, "nats://"+at, agreed...)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := runnel.FromTasks(numbers, squares, halves, total)
	if err != nil {
		t.Fatal(err)
	}
	const count = 10_000
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
			workers[k].kill()
			if kills++; kills == 3 {
				server.kill()
				server = start(t, "server", at, dir)
			}
			workers[k] = start(t, "worker", at)
		}
	}
	res, err := run.Wait(ctx)
	if err != nil {
		t.Fatalf("after %d kills: %v", kills, err)
	}
	if got, err := total.Get(res); err != nil || got != totalOf(count) {
		t.Errorf("the sum is %v, %v, want %v", got, err, totalOf(count))
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

package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// silentAfter is how long a process of a direct run may be silent, in tests.
func silentAfter(d time.Duration) Option { return option(func(c *config) { c.silence = d }) }

// directly are jobs of a direct run.
func directly(jobs ...*broker.Job) []*broker.Job {
	for _, j := range jobs {
		j.Once, j.Direct = true, true
	}
	return jobs
}

// remains are what the streams have of a run, but for its marks, and what signs of life
// of workers there are.
func remains(t *testing.T, b *Broker, run string) (left []string) {
	t.Helper()
	for _, name := range []string{"jobs", "got", "spent", "values", "dead", "runs", "kept"} {
		subjects, err := b.subjects(t.Context(), name, ">")
		if err != nil {
			t.Fatal(err)
		}
		for subject := range subjects {
			if strings.Contains(subject, "."+run+".") && !strings.HasSuffix(subject, ".end") {
				left = append(left, subject)
			}
		}
	}
	return left
}

// awaitNothing waits until nothing of a run is left.
func awaitNothing(t *testing.T, b *Broker, run string) {
	t.Helper()
	for since := time.Now(); ; <-time.After(20 * time.Millisecond) {
		left := remains(t, b, run)
		if len(left) == 0 {
			return
		}
		if time.Since(since) > 10*time.Second {
			t.Fatalf("left at the server: %v", left)
		}
	}
}

// TestNothingIsKeptOfDirectResults: neither results nor deliveries are stored on the
// way, whatever their size, and nothing is left of what had to be.
func TestNothingIsKeptOfDirectResults(t *testing.T) {
	b := several(t, 1)[0]
	copies := runnel.NewMapTask("copies[i]", func(_ context.Context, in struct {
		Size int `runnel:"sizes[i]"`
	}) (string, error) {
		var text strings.Builder // that does not compress
		for text.Len() < in.Size {
			fmt.Fprintf(&text, "%016x", rand.Uint64())
		}
		return text.String()[:in.Size], nil
	})
	long := runnel.Fold("long", "copies", 0, func(_ context.Context, sum int, s string) (int, error) { return sum + len(s), nil })
	p, err := runnel.FromTasks(copies, long)
	if err != nil {
		t.Fatal(err)
	}
	ctx, dismiss := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(b, p).Run(ctx) }()
	sizes, want := []int{3_000_000}, 3_000_000 // and 200 that are inline, with several to a message
	for k := range 200 {
		sizes, want = append(sizes, 50_000+k), want+50_000+k
	}
	var id string
	res, err := p.Run(t.Context(), runnel.Values{"sizes": sizes}, runnel.WithBroker(b), runnel.DirectResults(), runnel.Observe(func(e runnel.Event) {
		if e, ok := e.(runnel.RunStarted); ok {
			id = e.RunID
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := long.Get(res); err != nil || got != want {
		t.Errorf("the results have %d bytes, %v, want %d", got, err, want)
	}
	dismiss()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for stream, most := range map[string]uint64{"runs": 1, "got": 0} { // the mark of the end
		info, err := b.stream(stream).Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.LastSeq > most {
			t.Errorf("stream %s has had %d messages, want %d", stream, info.State.LastSeq, most)
		}
	}
	awaitNothing(t, b, id)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.inboxes)+len(b.silent)+len(b.attended) > 0 {
		t.Errorf("the broker still has %d inboxes, %d silences, %d questions", len(b.inboxes), len(b.silent), len(b.attended))
	}
}

// TestDirectRunRidesOutAllButItsEnd: a run of two mapped tasks goes on while workers are
// killed, its own connection is cut and stalled, and the server is killed; each element
// ends once, with the right value, and nothing is left.
func TestDirectRunRidesOutAllButItsEnd(t *testing.T) {
	at, dir := freeAddress(t), envDir+"="+t.TempDir()
	server := start(t, "server", at, dir)
	defer func() { server.kill() }()
	workers := make([]*process, 2)
	for k := range workers {
		workers[k] = start(t, "worker", at)
	}
	defer func() {
		for _, w := range workers {
			w.kill()
		}
	}()
	net := newProxy(t, at)
	defer net.close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := Connect(ctx, "nats://"+net.at(), agreed...)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := runnel.FromTasks(numbers, squares, halves, total)
	if err != nil {
		t.Fatal(err)
	}
	const count = 8000
	var done atomic.Int64
	var id atomic.Value
	run, err := p.Start(ctx, runnel.Values{"count": count}, runnel.WithBroker(b), runnel.DirectResults(), runnel.MaxParallel(150), runnel.Observe(func(e runnel.Event) {
		switch e := e.(type) {
		case runnel.RunStarted:
			id.Store(e.RunID)
		case runnel.TaskFinished:
			if e.Index != nil {
				done.Add(1)
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	disturbed, r := 0, rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	for ended := false; !ended; {
		select {
		case <-run.Done():
			ended = true
		case <-time.After(time.Duration(150+r.IntN(200)) * time.Millisecond):
			disturbed++
			switch k := disturbed % len(workers); {
			case disturbed == 5:
				server.kill()
				server = start(t, "server", at, dir)
			case disturbed%4 == 0:
				net.cut(func() bool { return true })
			case disturbed%4 == 2:
				end := net.stall()
				<-time.After(300 * time.Millisecond)
				end()
			default:
				workers[k].kill()
				workers[k] = start(t, "worker", at)
			}
		}
	}
	res, err := run.Wait(ctx)
	if err != nil {
		t.Fatalf("after %d disturbances: %v", disturbed, err)
	}
	if got, err := total.Get(res); err != nil || got != totalOf(count) {
		t.Errorf("the sum is %v, %v, want %v", got, err, totalOf(count))
	}
	if done.Load() != 2*count {
		t.Errorf("%d elements ended, want %d, each once", done.Load(), 2*count)
	}
	if disturbed < 5 {
		t.Errorf("there were only %d disturbances: the run was too short to show anything", disturbed)
	}
	awaitNothing(t, b, id.Load().(string))
	t.Logf("%d disturbances, %d elements, none lost", disturbed, done.Load())
}

// TestAWorkerKeepsDirectResults while the process of their run is cut off: none is made
// twice.
func TestAWorkerKeepsDirectResults(t *testing.T) {
	r := newBedroom(t)
	r.opts = []runnel.RunOption{runnel.DirectResults()}
	net := newProxy(t, r.at)
	defer net.close()
	b, err := Connect(t.Context(), "nats://"+net.at(), agreed...)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r.b = b
	r.napper(t)
	const short = 300 * time.Millisecond
	run := r.run(t, t.Context(), short, short+1)
	r.await(t, 2, "begin")
	end := net.stall()
	r.await(t, 2, "done")
	<-time.After(shortLease + shortLease/2) // it keeps its lease meanwhile
	end()
	if _, err := run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page, _ := os.ReadFile(r.ledger); strings.Count(string(page), "begin") != 2 {
		t.Errorf("what was done was begun again:\n%s", page)
	}
}

// awaitEnd waits for the mark of the end of the only run there is.
func awaitEnd(t *testing.T, b *Broker) (run string, took time.Duration) {
	t.Helper()
	since := time.Now()
	for ; time.Since(since) < 20*time.Second; <-time.After(5 * time.Millisecond) {
		subjects, err := b.subjects(t.Context(), "runs", b.names.ends())
		if err != nil {
			t.Fatal(err)
		}
		for subject := range subjects {
			return strings.Split(subject, ".")[2], time.Since(since)
		}
	}
	t.Fatal("the run was not ended")
	return "", 0
}

// napperSilence is when workers for naps count a direct run as dead.
const napperSilence = 2 * time.Second

// playDirector is the process of a direct run: of two naps, the first of which ends.
func playDirector(ctx context.Context) error {
	b, err := Connect(ctx, "nats://"+os.Getenv(envAt), agreed...)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	_, err = pipelineOfNaps().Run(ctx, runnel.Values{"lengths": []time.Duration{time.Second, time.Minute, time.Minute + 1}, "ledger": os.Getenv(envLedger)},
		runnel.WithBroker(b), runnel.DirectResults())
	return err
}

// TestADirectRunDiesWithItsProcess: when that is killed, its workers stop what they do,
// drop what they have and what is queued within the time that the broker states, and do
// the jobs of others.
func TestADirectRunDiesWithItsProcess(t *testing.T) {
	r := newBedroom(t)
	r.opts = []runnel.RunOption{runnel.DirectResults()}
	r.napper(t)
	director := start(t, "director", r.at, envLedger+"="+r.ledger)
	t.Cleanup(director.kill)
	r.await(t, 2, "begin") // the third is queued
	director.kill()
	id, took := awaitEnd(t, r.b)
	took += r.await(t, 1, "stopped") + r.await(t, 1, "done")
	t.Logf("stopped in %v", took)
	// The worker asks every third of a lease.
	if most := napperSilence + 2*shortLease; took > most {
		t.Errorf("the dead run went on for %v, want at most %v", took, most)
	}
	awaitNothing(t, r.b, id)
	run := r.run(t, t.Context(), time.Millisecond, 2*time.Millisecond)
	if _, err := run.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if page, _ := os.ReadFile(r.ledger); strings.Contains(string(page), "begin "+(time.Minute+1).String()) {
		t.Errorf("a queued job of the dead run was begun:\n%s", page)
	}
}

// TestADirectRunThatWasCutOffTooLong ends with an error that says so.
func TestADirectRunThatWasCutOffTooLong(t *testing.T) {
	r := newBedroom(t)
	r.opts = []runnel.RunOption{runnel.DirectResults()}
	net := newProxy(t, r.at)
	defer net.close()
	b, err := Connect(t.Context(), "nats://"+net.at(), agreed...)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	uncut := r.b
	r.b = b
	r.napper(t)
	run := r.run(t, t.Context(), time.Minute)
	r.await(t, 1, "begin")
	end := net.stall()
	defer end()
	awaitEnd(t, uncut)
	end()
	if _, err := run.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody answered for the run in 2s") {
		t.Errorf("got %v, want that nobody answered for the run", err)
	}
}

// TestReleaseOfDirectResults: a worker that has to end need not wait until somebody
// takes its results, and another one does the job.
func TestReleaseOfDirectResults(t *testing.T) {
	all := several(t, 3)
	submit(t, all[0], directly(job("r", 1, "a"))...)
	w := worker(t, all[1], "w")
	d, _ := receive[string](t, all[1], w)
	all[0].Close() // its process has died
	finished := make(chan error, 1)
	go func() {
		_, err := all[1].Finish(t.Context(), d, broker.ResultOf(d.Jobs[0]))
		finished <- err
	}()
	for silent := false; !silent; <-time.After(time.Millisecond) {
		all[1].mu.Lock()
		silent = all[1].silent["r"] != nil // it has found nobody
		all[1].mu.Unlock()
	}
	if err := all[1].Release(t.Context(), []*broker.Delivery{d}, 0); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-finished:
		if !errors.Is(err, errReleased) {
			t.Errorf("Finish returned %v", err)
		}
	case <-time.After(2 * patience):
		t.Fatal("Finish goes on after Release")
	}
	if again, in := receive[string](t, all[2], worker(t, all[2], "other")); in != "a" || again.Number != 1 {
		t.Errorf("got %q, delivery %d, want the released job, delivery 1", in, again.Number)
	}
}

// TestDirectJobsAmongVersions: a worker that does not know direct jobs records its
// results, and a run that cannot read those of a newer one says so.
func TestDirectJobsAmongVersions(t *testing.T) {
	b := several(t, 1)[0]
	submit(t, b, directly(job("r", 1, "a"), job("r", 2, "b"))...)
	got, ended := make(chan *broker.Result, 10), make(chan error, 1)
	go func() {
		ended <- b.Results(t.Context(), "r", func(results []*broker.Result) {
			for _, r := range results {
				got <- r
			}
		})
	}()
	old := newParcel(broker.Batch{job("r", 1, "a")})
	if _, _, err := b.record(t.Context(), old, 0, []*broker.Result{broker.ResultOf(old.jobs[0])}); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.Element != 1 {
		t.Errorf("got the result of element %d", r.Element)
	}
	data := must(cborOut.Marshal(&wireRecord{Version: wireVersion + 1, Run: "r"}))
	a, err := b.tellInbox(t.Context(), "r", someResults, data)
	if err != nil || !strings.Contains(a.Error, "bring it up to date") {
		t.Errorf("the worker hears %+v, %v", a, err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "bring it up to date") {
		t.Errorf("the run hears %v", err)
	}
}

// TestDirectResultsWithoutPermission are an error that says which is missing.
func TestDirectResultsWithoutPermission(t *testing.T) {
	for name, p := range map[string]*server.Permissions{
		"subscribe": {Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}},
		"answer":    {Publish: &server.SubjectPermission{Allow: []string{"runnel.>", "$JS.>"}}},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, &server.Options{Users: []*server.User{{Username: "u", Password: "p", Permissions: p}}})
			b, err := Connect(t.Context(), url, Connection(nats.UserInfo("u", "p")))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			err = b.Submit(t.Context(), []broker.Batch{directly(job("r", 1, "a"))})
			if err == nil || !strings.Contains(err.Error(), `subscribe to "runnel.direct.>"`) {
				t.Errorf("got %v", err)
			}
		})
	}
}

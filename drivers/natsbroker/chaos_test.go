//go:build unix

package natsbroker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// envSeconds is for how many seconds there is chaos, 5 by default, and envChaosSeed
// the seed of what happens when:
//
//	CHAOS_SECONDS=1800 go test -run TestChaos -v -timeout 1h ./natsbroker
const (
	envSeconds   = "CHAOS_SECONDS"
	envChaosSeed = "CHAOS_SEED"
)

// TestChaos: a run of 10,000 mapped elements and one of a graph of 200 tasks go on at
// the same time, one driven by its own process, the other submitted and driven by
// coordinators, and beside them one of 2,000 elements with DirectResults. Meanwhile these
// processes, the coordinators, the workers and the server are killed and stopped, and
// their connections cut, stalled and delayed. Every run ends, with the right result,
// except for direct ones whose own process was killed; what each element and task did is
// in a ledger under its idempotency key, and is not done again long after its result was
// recorded; and once the runs are dropped nothing is left of them at the server, of those
// that died neither, but deliveries that workers had noted which were killed; and no
// goroutine is left in any process that ended.
func TestChaos(t *testing.T) {
	seconds := 5.0
	if s := os.Getenv(envSeconds); s != "" {
		var err error
		if seconds, err = strconv.ParseFloat(s, 64); err != nil {
			t.Fatalf("%s: %v", envSeconds, err)
		}
	}
	seed := rand.Uint64()
	if s := os.Getenv(envChaosSeed); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", envChaosSeed, err)
		}
	}
	t.Logf("%s=%d", envChaosSeed, seed)
	t.Setenv(envSeed, strconv.FormatUint(seed, 10))
	c := newChaos(t, seed)
	defer c.close()
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for n := 1; !t.Failed() && (n == 1 || time.Now().Before(until)); n++ {
		c.round(n, min(time.Until(until), time.Minute))
	}
	if !t.Failed() {
		c.endAll()
	}
	c.unwatch()
	t.Log(c.counted)
}

// counted is what was done to the runs, and what came of it.
type counted struct {
	done                                           map[string]int // runs, by how they are begun
	kills, runKills, coordinatorKills, serverKills int
	takeovers                                      int // known once they are not watched any more
	stops, cuts, stalls, delays                    int
	duplicates, dead, revived, notes, lost         int
}

func (c counted) String() string {
	return fmt.Sprintf("%d runs driven by their process, %d by coordinators, %d direct; survived %d kills of workers, %d of processes of runs, %d of coordinators, %d of the server, "+
		"%d processes stopped for a while, connections cut %d times, stalled %d times, delayed %d times; runs were taken over %d times; %d duplicates suppressed; "+
		"%d direct runs died with their process and left nothing; %d removed messages brought back by the server; %d deliveries noted by workers that were killed; %d results lost",
		c.done[driven], c.done[submitted], c.done[direct], c.kills, c.runKills, c.coordinatorKills, c.serverKills,
		c.stops, c.cuts, c.stalls, c.delays, c.takeovers, c.duplicates, c.dead, c.revived, c.notes, c.lost)
}

// chaos is the processes, and who disturbs them.
type chaos struct {
	counted
	t            *testing.T
	r            *rand.Rand
	at, dir      string // of the server
	ledger       string
	proxy        *proxy
	stalled      bool // by now
	server       *process
	workers      []*process
	coordinators []*process
	runs         []*running
	orphans      []string // ids of direct runs whose process was killed
	undo         []undo
	broker       *Broker // of the test itself, which is not disturbed
	unwatch      func()
}

// undo ends a disturbance.
type undo struct {
	at time.Time
	do func()
}

// running is a run, whichever process has it.
type running struct {
	how    string
	id     string // of a direct one only when its process has ended
	count  int
	killed bool // a direct one was, in this round
	proc   *process
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{t: t, r: rand.New(rand.NewPCG(seed, 1)), at: freeAddress(t), dir: t.TempDir(), ledger: t.TempDir()}
	c.done = map[string]int{}
	c.server = start(t, "server", c.at, envDir+"="+c.dir)
	c.proxy = newProxy(t, c.at)
	for range 3 {
		c.workers = append(c.workers, c.worker())
	}
	for range 2 {
		c.coordinators = append(c.coordinators, c.coordinator())
	}
	var err error
	if c.broker, err = Connect(t.Context(), "nats://"+c.at, agreed...); err != nil {
		c.close()
		t.Fatal(err)
	}
	c.watch()
	return c
}

// watch counts how often a run is driven by another process than before.
func (c *chaos) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		owners := map[string]string{}
		err := c.broker.Runs(ctx, "", func(runs []*broker.Run) {
			for _, r := range runs {
				before := owners[r.ID]
				if r.Owner != "" {
					owners[r.ID] = r.Owner
				}
				if r.Owner != "" && before != "" && r.Owner != before {
					c.takeovers++
				}
			}
		})
		if ctx.Err() == nil {
			c.t.Errorf("runs are not told any more: %v", err)
		}
	})
	c.unwatch = func() { cancel(); watching.Wait() }
}

func (c *chaos) worker() *process {
	return launch(c.t, "worker", c.proxy.at(), envLedger+"="+c.ledger)
}

func (c *chaos) coordinator() *process { return launch(c.t, "coordinator", c.proxy.at()) }

func (c *chaos) begin(r *running) {
	r.proc = launch(c.t, "run", c.proxy.at(), envHow+"="+r.how, envRun+"="+r.id, envCount+"="+strconv.Itoa(r.count))
}

// round makes three runs, disturbs them for a while, and looks at what they came to.
func (c *chaos) round(n int, disturbed time.Duration) {
	const elements = 5000 // in two stages
	how := []string{submitted, driven}
	c.runs = []*running{
		{how: how[(n+1)%2], id: fmt.Sprintf("elements-%d", n), count: elements},
		{how: how[n%2], id: fmt.Sprintf("graph-%d", n)},
		{how: direct, count: elements / 5},
	}
	for _, r := range c.runs {
		c.begin(r)
	}
	began := time.Now()
	for ; time.Since(began) < disturbed && !c.over() && !c.t.Failed(); c.step() {
		pause(c.t.Context(), time.Duration(50+c.r.IntN(400))*time.Millisecond)
	}
	c.calm()
	for _, r := range c.runs {
		select {
		case <-r.proc.ended:
			c.check(r)
		case <-time.After(2 * time.Minute):
			c.t.Errorf("run %s does not end, though it is left alone; its goroutines are on the standard error", r.id)
			_ = r.proc.cmd.Process.Signal(syscall.SIGQUIT)
			<-r.proc.ended
		}
	}
	if !c.t.Failed() {
		c.drop()
	}
}

func (c *chaos) over() bool {
	return !slices.ContainsFunc(c.runs, func(r *running) bool { return !hasEnded(r.proc) })
}

func hasEnded(p *process) bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// step disturbs something, and ends what was disturbed long enough.
func (c *chaos) step() {
	now := time.Now()
	c.undo = slices.DeleteFunc(c.undo, func(u undo) bool {
		due := !u.at.After(now)
		if due {
			u.do()
		}
		return due
	})
	for _, p := range slices.Concat(c.workers, c.coordinators, []*process{c.server}) {
		if hasEnded(p) {
			c.t.Errorf("a %s ended by itself: %v", p.play, p.cmd.ProcessState)
			return
		}
	}
	switch k := c.r.IntN(100); {
	case k < 30:
		w := c.r.IntN(len(c.workers))
		c.workers[w].kill()
		c.workers[w] = c.worker()
		c.kills++
	case k < 36:
		c.killRun(c.runs[c.r.IntN(len(c.runs))])
	case k < 42:
		w := c.r.IntN(len(c.coordinators))
		c.coordinators[w].kill()
		c.coordinators[w] = c.coordinator()
		c.coordinatorKills++
	case k < 46:
		c.server.kill()
		c.server = launch(c.t, "server", c.at, envDir+"="+c.dir)
		c.serverKills++
	case k < 60:
		c.stop(c.workers[c.r.IntN(len(c.workers))], 3*shortLease)
	case k < 65:
		c.stop(c.runs[c.r.IntN(len(c.runs))].proc, 2*shortLease)
	case k < 68:
		c.stop(c.coordinators[c.r.IntN(len(c.coordinators))], 2*shortLease)
	case k < 72:
		c.stop(c.server, shortLease)
	case k < 82:
		c.proxy.cut(func() bool { return c.r.IntN(2) == 0 })
		c.cuts++
	case k < 92:
		if c.stalled {
			return // it would go on for longer than is looked for
		}
		most := 2 * shortLease
		if c.r.IntN(4) == 0 {
			most = longestStall // a connection counts as dead before that
		}
		end := c.proxy.stall()
		c.stalled = true
		c.later(most, func() { end(); c.stalled = false })
		c.stalls++
	default:
		c.proxy.slow(time.Duration(c.r.IntN(20)) * time.Millisecond)
		c.later(shortLease, func() { c.proxy.slow(0) })
		c.delays++
	}
}

// longestStall is how long nothing goes through the network at most.
const longestStall = 8 * shortLease

// killRun kills the process of a run, and starts it again. A direct run is lost, and
// another one begins; that is not done often, since what workers have for it holds their
// slots for a while.
func (c *chaos) killRun(r *running) {
	if hasEnded(r.proc) || r.killed {
		return
	}
	r.proc.kill()
	c.runKills++
	if r.killed = r.how == direct; r.killed {
		if id, _, known := strings.Cut(string(r.proc.output), "\n"); known {
			c.orphans = append(c.orphans, id)
			c.dead++
		}
	}
	c.begin(r)
}

// stop stops a process, as a machine that pages or a laptop that sleeps does, for up
// to so long.
func (c *chaos) stop(p *process, most time.Duration) {
	if hasEnded(p) {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	c.later(most, func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }) // it may have been killed meanwhile
	c.stops++
}

func (c *chaos) later(most time.Duration, do func()) {
	c.undo = append(c.undo, undo{time.Now().Add(time.Duration(c.r.Int64N(int64(most)))), do})
}

// calm ends all disturbances.
func (c *chaos) calm() {
	for _, u := range c.undo {
		u.do()
	}
	c.undo = nil
}

// endAll looks for what is left of the runs that died, and ends the processes one after
// another; each looks for goroutines that are left.
func (c *chaos) endAll() {
	c.awaitNothing(func(subject string) bool {
		return slices.ContainsFunc(c.orphans, func(id string) bool { return strings.Contains(subject, "."+id+".") })
	})
	c.unwatch()
	c.broker.Close()
	for _, p := range slices.Concat(c.coordinators, c.workers, []*process{c.server}) {
		p.end(c.t)
	}
}

// close ends what is left of everything, in whatever state it is.
func (c *chaos) close() {
	c.calm()
	if c.unwatch != nil {
		c.unwatch()
	}
	if c.broker != nil {
		c.broker.Close()
	}
	for _, r := range c.runs {
		r.proc.kill()
	}
	for _, p := range slices.Concat(c.coordinators, c.workers, []*process{c.server}) {
		p.kill()
	}
	c.proxy.close()
}

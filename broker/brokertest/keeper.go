package brokertest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// lifetime is that of runs in the cases that wait for its end.
const lifetime = time.Second

// RunKeeper checks every rule of a broker that keeps runs, each with a broker of its
// own. newKeeper is as in [Run], which checks the rest of the contract.
func RunKeeper(t *testing.T, newKeeper func(*testing.T, Settings) broker.Keeper) {
	var rules []keeperRule
	for _, part := range [][]keeperRule{claims, keeping, following} {
		rules = append(rules, part...)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			k := newKeeper(t, r.settings)
			r.check(&keeperHarness{harness{T: t, rule: rule{rule: r.rule, why: r.why}, ctx: ctx, b: k}, k})
		})
	}
}

type keeperRule struct {
	name     string
	rule     string
	why      string
	settings Settings
	check    func(*keeperHarness)
}

// keeperHarness is what a case works with.
type keeperHarness struct {
	harness
	k broker.Keeper
}

// kept is a run with something in every field that its opener sets.
func kept(id string) *broker.Run {
	return &broker.Run{
		ID: id, Pipeline: "p.q", Graph: "abc",
		Nodes: []*broker.Node{
			{Task: "report/a b[.>*", Fingerprint: "f1", Types: []broker.Field{{Path: "input Tracks", Type: "string"}},
				Inputs: []string{"tracks[i]", "config"}, Outputs: []string{"report"}, After: []string{"set up"}},
			{Task: "set up", Fingerprint: "f2"},
		},
		Inputs: []broker.Input{
			{Name: "config", Value: broker.Go{V: map[string]int{"a": 1}}},
			{Name: "tracks", Value: broker.Go{V: []string{"one", "two"}}},
		},
		Digests: map[string]string{"tracks": "d1"},
		Options: broker.RunOptions{Targets: []string{"report"}, ErrorMode: "skip failed", MaxParallel: 3, Limited: true, AwaitWorkers: time.Minute},
		Opened:  time.Date(2026, 11, 25, 19, 0, 0, 0, time.UTC),
	}
}

// same reports whether a run is as it was opened, but for what the broker sets.
func (h *keeperHarness) same(got *broker.Run, inputs bool) {
	h.Helper()
	want, have := *kept(got.ID), *got
	want.Inputs, have.Inputs = nil, nil
	want.Owner, want.Cancelled, want.Outcome = have.Owner, have.Cancelled, have.Outcome
	if !have.Opened.Equal(want.Opened) {
		h.fail("it was opened at %v, want %v", have.Opened, want.Opened)
	}
	have.Opened = want.Opened
	if !reflect.DeepEqual(have, want) {
		h.fail("the run came back as %+v, want %+v", have, want)
	}
	if !inputs {
		if len(got.Inputs) > 0 {
			h.fail("it came with %d inputs, want none", len(got.Inputs))
		}
		return
	}
	if len(got.Inputs) != 2 || got.Inputs[0].Name != "config" || got.Inputs[1].Name != "tracks" {
		h.fail("it came with inputs %+v", got.Inputs)
	}
	if v := decode[map[string]int](&h.harness, got.Inputs[0].Value); len(v) != 1 || v["a"] != 1 {
		h.fail("its first input is %v", v)
	}
	if v := decode[[]string](&h.harness, got.Inputs[1].Value); !reflect.DeepEqual(v, []string{"one", "two"}) {
		h.fail("its second input is %v", v)
	}
}

// open opens a run and returns what is kept.
func (h *keeperHarness) open(r *broker.Run) *broker.Run {
	h.Helper()
	got, err := h.k.Open(h.ctx, r)
	h.must(err, "Open")
	return got
}

func (h *keeperHarness) claim(id, owner string) {
	h.Helper()
	_, err := h.k.Claim(h.ctx, id, owner)
	h.must(err, "Claim")
}

// refuse checks that a call failed with an error of the contract.
func (h *keeperHarness) refuse(doing string, err, want error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.fail("%s: got error %v, want %q", doing, err, want)
	}
}

// read hands over what Runs does, call by call. The first call is over when it returns.
func (h *keeperHarness) read(id string) <-chan []*broker.Run {
	h.Helper()
	got, begun := make(chan []*broker.Run, 1000), make(chan struct{})
	ctx, cancel := context.WithCancel(h.ctx)
	ended := make(chan struct{})
	first := true
	go func() {
		defer close(ended)
		h.k.Runs(ctx, id, func(runs []*broker.Run) {
			got <- runs
			if first {
				close(begun)
			}
			first = false
		})
	}()
	h.Cleanup(func() { cancel(); <-ended })
	select {
	case <-begun:
	case <-h.ctx.Done():
		h.fail("Runs never called deliver")
	}
	return got
}

// await waits for a run of which something holds.
func (h *keeperHarness) await(runs <-chan []*broker.Run, what string, holds func(*broker.Run) bool) *broker.Run {
	h.Helper()
	for {
		select {
		case now := <-runs:
			for _, r := range now {
				if holds(r) {
					return r
				}
			}
		case <-h.ctx.Done():
			h.fail("Runs never told of a run that %s", what)
			return nil
		}
	}
}

// quiet checks that nothing is told for a while.
func (h *keeperHarness) quiet(runs <-chan []*broker.Run, within time.Duration) {
	h.Helper()
	select {
	case now := <-runs:
		for _, r := range now {
			h.fail("Runs told of %+v, though nothing has changed", *r)
		}
	case <-time.After(within):
	}
}

func free(r *broker.Run) bool   { return r.Owner == "" && r.Outcome == nil && !r.Dropped }
func closed(r *broker.Run) bool { return r.Outcome != nil }
func gone(r *broker.Run) bool   { return r.Dropped }

func ownedBy(owner string) func(*broker.Run) bool {
	return func(r *broker.Run) bool { return r.Owner == owner }
}

package natsbroker

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// noise are bytes that cannot be compressed.
func noise(seed, n int) []byte {
	var key [32]byte
	key[0] = byte(seed)
	data := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(data)
	return data
}

// TestLargeValuesDoNotPassThroughTheRun: what one worker makes and others take, alone, by
// elements, as rows and as wholes, is not in what the run's process sends and receives.
func TestLargeValuesDoNotPassThroughTheRun(t *testing.T) {
	const mb = 1 << 20
	blob := runnel.NewTask("blob", runnel.Pure(func(in struct{ Size int }) []byte { return noise(0, in.Size*mb) }))
	sum := runnel.NewTask("sum", runnel.Pure(func(in struct{ Blob []byte }) uint32 { return crc32.ChecksumIEEE(in.Blob) }))
	parts := runnel.NewMapTask("parts[i,j]", runnel.Pure(func(in struct {
		I int `runnel:"is[i]"`
		J int `runnel:"js[j]"`
	}) []byte {
		return noise(10*in.I+in.J, mb)
	}))
	turned := runnel.NewMapTask("turned[i,j]", runnel.Pure(func(in struct {
		Part []byte `runnel:"parts[i,j]"`
	}) []byte {
		part := slices.Clone(in.Part)
		slices.Reverse(part)
		return part
	}))
	rows := runnel.NewMapTask("rows[i]", runnel.Pure(func(in struct {
		Row [][]byte `runnel:"turned[i]"`
	}) []byte {
		return slices.Concat(in.Row...)
	}))
	total := runnel.NewTask("total", runnel.Pure(func(in struct {
		Parts [][][]byte
		Rows  [][]byte
	}) string {
		var sums []uint32
		for i, row := range in.Parts {
			sums = append(sums, crc32.ChecksumIEEE(slices.Concat(row...)), crc32.ChecksumIEEE(in.Rows[i]))
		}
		return fmt.Sprint(sums)
	}))
	small := runnel.Values{"size": 8, "is": []int{1, 2}, "js": []int{3, 4, 5}}
	large := maps.Clone(small)
	large["size"] = 64
	for _, of := range []struct {
		name string
		in   runnel.Values
		opts []runnel.RunOption
	}{
		{"journalled", large, nil},
		{"direct", small, []runnel.RunOption{runnel.DirectResults()}},
		{"kept", small, []runnel.RunOption{runnel.RunID("kept")}},
	} {
		t.Run(of.name, func(t *testing.T) {
			p, err := runnel.FromTasks(blob, sum, parts, turned, rows, total)
			if err != nil {
				t.Fatal(err)
			}
			brokers := several(t, 3, Encoding(CBOR))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 2)
			for _, b := range brokers[1:] {
				go func() { ended <- runnel.NewWorker(b, p, runnel.Concurrency(1)).Run(ctx) }()
			}
			opts := append(of.opts, runnel.WithBroker(brokers[0]), runnel.Targets("sum", "total"))
			res, err := p.Run(ctx, of.in, opts...)
			if err != nil {
				t.Fatal(err)
			}
			if s := brokers[0].nc.Stats(); s.InBytes+s.OutBytes > mb/2 {
				t.Errorf("%d bytes came to the run's process, and %d went from it", s.InBytes, s.OutBytes)
			}
			here, err := p.Run(ctx, of.in)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := res.Outputs(), here.Outputs(); got["sum"] != want["sum"] || got["total"] != want["total"] || got["sum"] == nil {
				t.Errorf("got %v, want %v and %v", got, want["sum"], want["total"])
			}
			id := res.Report().RunID
			if of.name == "kept" {
				if err := brokers[0].PurgeRun(ctx, id); err != nil {
					t.Error(err)
				}
			}
			if left, err := brokers[0].subjects(ctx, "values", brokers[0].names.valuesOf(id)); err != nil || len(left) > 0 {
				t.Errorf("left at the server: %v, %v", left, err)
			}
			cancel()
			for range brokers[1:] {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestListsStayWhereTheirElementsAre: a list of stored values is written as one of places,
// in a message that says so; one of values in messages is written as a value, whoever
// has written them.
func TestListsStayWhereTheirElementsAre(t *testing.T) {
	type row struct {
		Name string
		N    int
	}
	for _, codec := range []Codec{JSON, CBOR} {
		t.Run(string(rune(codec)), func(t *testing.T) {
			namespace := Namespace(fmt.Sprintf("lists%d", namespaces.Add(1)))
			url := startURL(t)
			connect := func(opts ...Option) *Broker {
				b, err := Connect(t.Context(), url, append(opts, namespace)...)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Close)
				return b
			}
			run, by := connect(Inline(1<<10)), connect(Inline(16<<10), Encoding(codec), Compress(2<<10))
			w := worker(t, by, "w")
			results := make(chan *broker.Result, 100)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				run.Results(ctx, "r", func(all []*broker.Result) {
					for _, r := range all {
						results <- r
					}
				})
			}()
			var all []row
			var made []broker.Value
			for n, length := range []int{3, 3000, 20, 7000, 100_000, 0} {
				all = append(all, row{string(noise(n, length)), n})
				if all[n].Name = fmt.Sprintf("%x", all[n].Name); n == 1 {
					all[n].Name = strings.Repeat("packed", 1000)
				}
				submit(t, run, job("r", n, n))
				d, _ := receive[int](t, by, w)
				r := broker.ResultOf(d.Jobs[0])
				r.Outputs = []broker.Value{broker.Go{V: all[n]}}
				if _, err := by.Finish(t.Context(), d, r); err != nil {
					t.Fatal(err)
				}
				made = append(made, (<-results).Outputs[0])
				if w := made[n].(*value).wire; w.Packed != (n == 1) || (w.Ref != "") != (n == 4) {
					t.Fatalf("value %d is not what this is about: %d bytes, stored %d, packed %v", n, len(w.Data), w.Size, w.Packed)
				}
			}
			stored := func() uint64 {
				info, err := run.stream("values").Info(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return info.State.Msgs
			}
			for n, of := range []struct {
				what    string
				list    []int
				version int
				stored  uint64
			}{
				{"small ones", []int{0, 2, 5}, wirePlain, 0},
				{"packed ones", []int{0, 1, 2}, wirePlain, 1},
				{"one that is stored", []int{0, 4, 2}, wireListed, 0},
				{"one that is more than goes in a message here", []int{3, 4}, wireListed, 1},
				{"the same again", []int{3, 4}, wireListed, 0},
			} {
				var l broker.List
				var want []row
				for _, k := range of.list {
					l, want = append(l, made[k]), append(want, all[k])
				}
				before := stored()
				j := job("r", 100+n, nil)
				j.Inputs[0].Value = l
				submit(t, run, j)
				if got := stored() - before; got != of.stored {
					t.Errorf("%s: %d values were stored, want %d", of.what, got, of.stored)
				}
				var wire wireJob
				m, err := run.last(t.Context(), "jobs", run.names.job(newParcel(broker.Batch{j})))
				if err == nil {
					err = cborIn.Unmarshal(m.Data, &wire)
				}
				if err != nil || wire.Version != of.version {
					t.Errorf("%s: the message has version %d, %v, want %d", of.what, wire.Version, err, of.version)
				}
				d, got := receive[[]row](t, by, w)
				if !slices.Equal(got, want) {
					t.Errorf("%s: they arrived otherwise", of.what)
				}
				if _, err := by.Finish(t.Context(), d, broker.ResultOf(d.Jobs[0])); err != nil {
					t.Fatal(err)
				}
			}
			j := job("r", 200, nil)
			j.Inputs[0].Value = broker.List{made[0], &value{run, "another", &wireValue{Codec: JSON, Data: []byte("1")}}}
			if err := run.Submit(t.Context(), []broker.Batch{{j}}); err == nil || !strings.Contains(err.Error(), "of another broker or run") {
				t.Errorf("a value of another run: %v", err)
			}
			cancel()
			<-ended
		})
	}
}

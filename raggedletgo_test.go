package runnel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// raggedTokens is a random pipeline over rows of differing lengths, whose values are
// tokens. A cell n fans out to n words.
type raggedTokens struct {
	*ledger
	rows   [][]int
	nq     int
	bad    int // cells of that value fail
	all    []AnyTask
	goals  []string
	values map[string]any // of targets, as numbers
}

func (m *raggedTokens) takes(by, name string, at ...int) {
	key := label(name, at)
	m.takers[key] = append(m.takers[key], by)
}

// done makes the output of an element.
func (m *raggedTokens) done(ctx context.Context, value int) *token {
	info := Info(ctx)
	defer m.end(info.Label())
	return m.make(info.Label(), uint32(value))
}

// fan makes a row of them: a slice that the task still holds afterwards, as one may.
func (m *raggedTokens) fan(ctx context.Context, output string, values []int) []*token {
	info := Info(ctx)
	defer m.end(info.Label())
	row := make([]*token, len(values), len(values)+1)
	for k, v := range values {
		row[k] = m.make(label(output, append(slices.Clone(info.Index), k)), uint32(v))
	}
	for k := range row {
		m.end(label(output, append(slices.Clone(info.Index), k)))
	}
	m.give(row)
	return row
}

func (m *raggedTokens) begin(ctx context.Context) { m.called(Info(ctx).Label()) }

type tokenCell struct {
	Cell *token `runnel:"cells[i,k]"`
}

func (m *raggedTokens) declare(t *rapid.T) {
	draw := func(what string) bool { return rapid.Bool().Draw(t, what) }
	add := func(task AnyTask) { m.all = append(m.all, task) }
	goal := func(name string, v any) { m.goals, m.values[name] = append(m.goals, name), v }

	// Where the rows come from: the caller, or a task whose slice is taken apart.
	made := draw("rows are made")
	type onRow struct {
		Row []int `runnel:"rows[i]"`
	}
	if made {
		add(NewTask("rows", Pure(func(in struct {
			Given [][]int
		}) [][]int {
			return in.Given
		})))
	}
	add(NewExpandTask("cells[i,k]", func(ctx context.Context, in onRow) ([]*token, error) {
		m.begin(ctx)
		return m.fan(ctx, "cells", in.Row), nil
	}))
	words := draw("words")
	if words {
		add(NewExpandTask("words[i,k,m]", func(ctx context.Context, in tokenCell) ([]*token, error) {
			m.begin(ctx)
			if int(in.Cell.value) == m.bad {
				m.end(Info(ctx).Label())
				return nil, errElement
			}
			return m.fan(ctx, "words", make([]int, in.Cell.value)), nil
		}))
	}
	for i, row := range m.rows {
		for k := range row {
			if words {
				m.takes(label("words", []int{i, k}), "cells", i, k)
			}
		}
	}
	if draw("score") {
		add(NewMapTask("q[j]", func(ctx context.Context, in struct {
			N int `runnel:"queries[j]"`
		}) (*token, error) {
			m.begin(ctx)
			return m.done(ctx, in.N), nil
		}))
		order := rapid.SampledFrom([]string{"score[j,i,k]", "score[i,j,k]", "score[i,k,j]"}).Draw(t, "order")
		add(NewMapTask(order, func(ctx context.Context, in struct {
			Cell *token `runnel:"cells[i,k]"`
			Q    *token `runnel:"q[j]"`
		}) (*token, error) {
			m.begin(ctx)
			return m.done(ctx, int(100*in.Q.value+in.Cell.value)), nil
		}))
		place := func(i, j, k int) []int {
			return map[string][]int{"score[j,i,k]": {j, i, k}, "score[i,j,k]": {i, j, k}, "score[i,k,j]": {i, k, j}}[order]
		}
		for j := range m.nq {
			for i, row := range m.rows {
				m.takes(label("cells", []int{i}), "q", j) // an empty row shows only then
				for k := range row {
					by := label("score", place(i, j, k))
					m.takes(by, "q", j)
					m.takes(by, "cells", i, k)
					if order == "score[j,i,k]" {
						m.takes(fmt.Sprint("best[", j, "]"), "score", j, i, k)
					}
				}
			}
		}
		if order == "score[j,i,k]" {
			add(NewMapTask("best[j]", func(ctx context.Context, in struct {
				Rows [][]*token `runnel:"score[j]"`
			}) (uint32, error) {
				m.begin(ctx)
				m.give(in.Rows)
				defer m.end(Info(ctx).Label())
				var best uint32
				for _, row := range in.Rows {
					for _, s := range row {
						best = max(best, s.value)
					}
				}
				return best, nil
			}))
			best := make([]uint32, m.nq)
			for j := range best {
				for _, row := range m.rows {
					for _, n := range row {
						best[j] = max(best[j], uint32(100*j+n))
					}
				}
			}
			goal("best", best)
		} else {
			goal("score", nil)
			for j := range m.nq {
				for i, row := range m.rows {
					for k := range row {
						m.kept[label("score", place(i, j, k))] = true
					}
				}
			}
		}
	}
	if draw("rows of cells") {
		add(NewMapTask("sums[i]", func(ctx context.Context, in struct {
			Row []*token `runnel:"cells[i]"`
		}) (sum uint32, err error) {
			m.begin(ctx)
			m.give(in.Row)
			defer m.end(Info(ctx).Label())
			for _, c := range in.Row {
				sum += c.value
			}
			return sum, nil
		}))
		sums := make([]uint32, len(m.rows))
		for i, row := range m.rows {
			for k, n := range row {
				sums[i] += uint32(n)
				m.takes(label("sums", []int{i}), "cells", i, k)
			}
		}
		goal("sums", sums)
	}
	if draw("all cells") {
		add(NewTask("count", func(ctx context.Context, in struct{ Cells [][]*token }) (n int, err error) {
			m.begin(ctx)
			m.give(in.Cells)
			defer m.end("count")
			for _, row := range in.Cells {
				for _, c := range row {
					n += 1 + 0*int(c.value)
				}
			}
			return n, nil
		}))
		n := 0
		for i, row := range m.rows {
			n += len(row)
			for k := range row {
				m.takes("count", "cells", i, k)
			}
		}
		goal("count", n)
	}
	if words {
		m.declareWords(draw, add, goal)
	}
	if len(m.goals) == 0 {
		goal("cells", nil)
		for i, row := range m.rows {
			for k := range row {
				m.kept[label("cells", []int{i, k})] = true
			}
		}
	}
}

// declareWords takes the words one by one, by rows of two depths, and what is made of
// them as a whole.
func (m *raggedTokens) declareWords(draw func(string) bool, add func(AnyTask), goal func(string, any)) {
	each := func(take func(i, k, w int)) {
		for i, row := range m.rows {
			for k, n := range row {
				for w := range n {
					take(i, k, w)
				}
			}
		}
	}
	add(NewMapTask("twice[i,k,m]", func(ctx context.Context, in struct {
		W *token `runnel:"words[i,k,m]"`
	}) (*token, error) {
		m.begin(ctx)
		return m.done(ctx, 2*int(in.W.value)+1), nil
	}))
	each(func(i, k, w int) { m.takes(label("twice", []int{i, k, w}), "words", i, k, w) })
	total := 0
	each(func(i, k, w int) { total++ })
	add(NewTask("total", func(ctx context.Context, in struct{ Twice Partial[*token] }) (n int, err error) {
		m.begin(ctx)
		m.give(in.Twice.Values)
		defer m.end("total")
		for _, w := range in.Twice.Values {
			if w != nil {
				n += int(w.value)
			}
		}
		return n, nil
	}))
	each(func(i, k, w int) { m.takes("total", "twice", i, k, w) })
	if m.bad < 0 {
		goal("total", total)
	} else {
		goal("total", nil)
	}
	if draw("rows of words") {
		add(NewMapTask("lengths[i,k]", func(ctx context.Context, in struct {
			Row []*token `runnel:"words[i,k]"`
		}) (int, error) {
			m.begin(ctx)
			m.give(in.Row)
			defer m.end(Info(ctx).Label())
			return len(in.Row), nil
		}))
		each(func(i, k, w int) { m.takes(label("lengths", []int{i, k}), "words", i, k, w) })
		goal("lengths", nil)
	}
	if draw("trees") {
		add(NewMapTask("trees[i]", func(ctx context.Context, in struct {
			Rows [][]*token `runnel:"twice[i]"`
		}) (int, error) {
			m.begin(ctx)
			m.give(in.Rows)
			defer m.end(Info(ctx).Label())
			return len(in.Rows), nil
		}))
		each(func(i, k, w int) { m.takes(label("trees", []int{i}), "twice", i, k, w) })
		goal("trees", nil)
	}
}

// TestRandomRaggedElementsAreGoneAfterTheirLastUse: the same of data whose rows
// differ in length: fanned out twice, in products, by rows of any depth, and whole.
func TestRandomRaggedElementsAreGoneAfterTheirLastUse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &raggedTokens{ledger: newLedger(), values: map[string]any{}}
		m.rows = rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 3), 0, 4), 0, 5).Draw(rt, "rows")
		m.nq = rapid.IntRange(0, 3).Draw(rt, "queries")
		m.bad = rapid.IntRange(-3, 3).Draw(rt, "bad")
		m.keeps = rapid.IntRange(0, 2).Draw(rt, "keeps") == 0
		m.declare(rt)
		limit := rapid.SampledFrom([]int{1, 1, 3}).Draw(rt, "limit")
		if limit == 1 {
			m.every = rapid.IntRange(3, 9).Draw(rt, "every")
		}
		p, err := FromTasks(rapid.Permutation(m.all).Draw(rt, "tasks")...)
		if err != nil {
			rt.Fatal(err)
		}
		in, queries := Values{}, make([]int, m.nq)
		for j := range queries {
			queries[j] = j
		}
		for name, v := range map[string]any{"rows": m.rows, "given": m.rows, "queries": queries} {
			if p.tasksNeed(name) {
				in[name] = v
			}
		}
		res, err := p.Run(context.Background(), in, Targets(m.goals...), MaxParallel(limit), OnError(ContinueOnError))
		if err != nil && !errors.Is(err, errElement) {
			rt.Fatal(err)
		}
		if !m.keeps {
			m.look("the end", true)
		}
		if len(m.wrong) > 0 {
			rt.Fatal(m.wrong)
		}
		for name, want := range m.values {
			got, there := res.Outputs()[name]
			if want != nil && (!there || reflect.ValueOf(want).Kind() != reflect.Slice && got != want || reflect.ValueOf(want).Kind() == reflect.Slice && reflect.ValueOf(want).Len() > 0 && !reflect.DeepEqual(got, want)) {
				rt.Fatalf("%s is %v, want %v", name, got, want)
			}
			if want == nil && there && slices.Contains(flatten(numbers(got)), any("gone")) {
				rt.Fatalf("a target is gone: %s is %v", name, numbers(got))
			}
		}
		for _, v := range m.given {
			if err == nil && slices.Contains(flatten(numbers(v)), any("gone")) {
				rt.Fatalf("of what a task was given, and holds, some is gone: %v", numbers(v))
			}
		}
		runtime.KeepAlive(res)
	})
}

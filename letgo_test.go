package runnel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"pgregory.net/rapid"
)

// token is a value that can be seen to be gone.
type token struct {
	value uint32
	_     *int // no tiny object, which would live as long as others beside it
}

// A ledger knows which tokens were made and who still has to take them.
type ledger struct {
	mu     sync.Mutex
	made   map[string]weak.Pointer[token]
	takers map[string][]string // of each token, by the names of elements and tasks
	ended  map[string]bool
	kept   map[string]bool // tokens of which results hold
	given  []any           // rows and wholes that tasks go on holding, if any do
	keeps  bool
	every  int // at how many calls it is looked what is alive
	calls  int
	wrong  []string
}

func newLedger() *ledger {
	return &ledger{made: map[string]weak.Pointer[token]{}, takers: map[string][]string{}, ended: map[string]bool{}, kept: map[string]bool{}}
}

func (l *ledger) make(name string, value uint32) *token {
	t := &token{value: value}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[name] = weak.Make(t)
	return t
}

// give notes that a task has a slice that it may hold longer than it runs.
func (l *ledger) give(v any) {
	if reflect.ValueOf(v).Kind() == reflect.Slice && l.keeps {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.given = append(l.given, v)
	}
}

func (l *ledger) end(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended[name] = true
}

// called is the start of a call: what was taken for the last time before is gone.
func (l *ledger) called(at string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls++; l.every == 0 || l.keeps || l.calls%l.every != 0 {
		return
	}
	l.look(at, false)
}

func (l *ledger) look(at string, over bool) {
	runtime.GC()
	runtime.GC()
	for name, t := range l.made {
		taken := over
		if !over {
			taken = l.ended[name] && !slices.ContainsFunc(l.takers[name], func(by string) bool { return !l.ended[by] })
		}
		if taken && !l.kept[name] && t.Value() != nil {
			l.wrong = append(l.wrong, fmt.Sprintf("at %s, %s is alive after %q", at, name, l.takers[name]))
		}
	}
}

// numbers are the values of tokens in nested slices, and whatever else is in them.
func numbers(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case *token:
		if v == nil {
			return "gone"
		}
		return v.value
	}
	in := reflect.ValueOf(v)
	if in.Kind() != reflect.Slice {
		return v
	}
	out := []any{}
	for i := range in.Len() {
		out = append(out, numbers(in.Index(i).Interface()))
	}
	return out
}

// letGoModel is a random pipeline of mapped tasks whose values are tokens.
type letGoModel struct {
	*ledger
	data  []*cube
	tasks []*mapModel
	all   []AnyTask
	goals []string // targets
	whole map[string]bool
}

func (m *letGoModel) elem(c *cube, at int) string { return fmt.Sprint(c.name, at) }

// declare makes the task of a model: what it takes is noted.
func (m *letGoModel) declare(d *mapModel) AnyTask {
	task := d.declare().(*MapTask[anyInputs, uint32])
	old := task.d.body.(*function[anyInputs, uint32])
	call := func(ctx context.Context, in anyInputs) (*token, error) {
		info := Info(ctx)
		name := m.elem(d.out, d.out.at(info.Index))
		m.called(name)
		args := []*any{&in.A.Value, &in.B.Value, &in.C.Value}
		for _, a := range args {
			m.give(*a)
			*a = numbers(*a)
		}
		value, err := old.fn(ctx, in)
		if err != nil && info.Attempt <= d.retries {
			return nil, err
		}
		m.end(name)
		return m.make(name, value), err
	}
	copied := *task.d
	shape := mapperOf[*token]()
	shape.rank = len(d.out.dims)
	copied.body, copied.shape = bodyOf(call), shape
	copied.outputs = slices.Clone(copied.outputs)
	copied.outputs[0].typ, copied.outputs[0].elem = nested(reflect.TypeFor[*token](), len(d.out.dims)), reflect.TypeFor[*token]()
	return &MapTask[anyInputs, *token]{handle{&copied}}
}

func drawLetGo(t *rapid.T) *letGoModel {
	m := &letGoModel{ledger: newLedger(), whole: map[string]bool{}}
	m.keeps = rapid.IntRange(0, 2).Draw(t, "keeps rows") == 0
	m.data, m.tasks = drawMaps(t, rapid.Bool().Draw(t, "failures"))
	taken := map[string]bool{}
	for _, d := range m.tasks {
		m.all = append(m.all, m.declare(d))
		for e := range d.out.cells {
			index := indexAt(d.out.dims, e)
			for _, in := range d.inputs {
				taken[in.from.name] = true
				var at []int
				for _, axis := range in.axes {
					at = append(at, index[axis])
				}
				width := len(in.from.row(at))
				first := in.from.at(append(slices.Clone(at), make([]int, len(in.from.dims)-len(at))...))
				for k := range width {
					name := m.elem(in.from, first+k)
					m.takers[name] = append(m.takers[name], m.elem(d.out, e))
				}
			}
		}
	}
	for _, d := range m.tasks {
		c := d.out
		kept := false
		switch rapid.IntRange(0, 5).Draw(t, "and taken") {
		case 0:
			m.goals, kept = append(m.goals, c.name), true
		case 1, 2: // as a whole
			by := "all of " + c.name
			keeps := rapid.IntRange(0, 2).Draw(t, "keeps all") == 0
			m.all = append(m.all, NewValuesTask(by, []string{c.name}, []string{by}, func(_ context.Context, in Values) (Values, error) {
				m.called(by)
				m.give(in[c.name])
				m.end(by)
				if keeps {
					return Values{by: in[c.name]}, nil
				}
				return Values{by: 1}, nil
			}))
			m.goals, kept = append(m.goals, by), keeps
			for e := range c.cells {
				m.takers[m.elem(c, e)] = append(m.takers[m.elem(c, e)], by)
			}
		default:
			if !taken[c.name] {
				m.goals, kept = append(m.goals, c.name), true
			}
		}
		for e := range c.cells {
			m.kept[m.elem(c, e)] = kept
		}
	}
	return m
}

// TestRandomElementsAreGoneAfterTheirLastUse: in random pipelines with targets, of
// elements taken one by one, in products, as rows, as a whole and in any mixture,
// with and without failures, each one is there for all that take it, and gone when
// the last of them has ended, unless a result or a task holds it.
func TestRandomElementsAreGoneAfterTheirLastUse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := drawLetGo(rt)
		if len(m.goals) == 0 {
			m.goals = []string{m.tasks[len(m.tasks)-1].out.name}
			for e := range m.tasks[len(m.tasks)-1].out.cells {
				m.kept[m.elem(m.tasks[len(m.tasks)-1].out, e)] = true
			}
		}
		limit := rapid.SampledFrom([]int{1, 1, 1, 3}).Draw(rt, "limit")
		if limit == 1 {
			total := 0
			for _, d := range m.tasks {
				total += len(d.out.cells)
			}
			m.every = max(1, total/8)
		}
		p, err := FromTasks(m.all...)
		if err != nil {
			rt.Fatal(err)
		}
		in := Values{}
		for _, c := range m.data {
			if c.plain && p.tasksNeed(c.name) {
				var flat []uint32
				for _, x := range c.cells {
					flat = append(flat, x.value)
				}
				in[c.name] = shaped(flat, c.dims)
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
		for _, d := range m.tasks {
			want := []any{}
			ok := true
			for _, x := range d.out.cells {
				want, ok = append(want, x.value), ok && x.state == Succeeded
			}
			got, err := Get[Partial[*token]](res, d.out.name)
			if slices.Contains(m.goals, d.out.name) {
				if err != nil {
					rt.Fatal(err)
				}
				for e, x := range d.out.cells {
					if x.state == Succeeded && got.Values[e].value != x.value {
						rt.Fatalf("%s is %v, want %v", d.out.name, numbers(got.Values), want)
					}
				}
			}
			if v, err := Get[any](res, "all of "+d.out.name); err == nil && ok && v != 1 {
				if flat := flatten(numbers(v)); !reflect.DeepEqual(flat, want) {
					rt.Fatalf("the whole of %s, which its consumer kept, is %v, want %v", d.out.name, flat, want)
				}
			}
		}
		for _, v := range m.given {
			if slices.Contains(flatten(numbers(v)), any("gone")) && err == nil {
				rt.Fatalf("of what a task was given, and holds, some is gone: %v", numbers(v))
			}
		}
		runtime.KeepAlive(res)
	})
}

// tasksNeed reports whether some task takes an input of the run.
func (p *Pipeline) tasksNeed(name string) bool {
	g, err := p.build()
	return err == nil && g.externals[name] != nil
}

// flatten is the leaves of nested slices.
func flatten(v any) []any {
	in, ok := v.([]any)
	if !ok {
		return []any{v}
	}
	out := []any{}
	for _, x := range in {
		out = append(out, flatten(x)...)
	}
	return out
}

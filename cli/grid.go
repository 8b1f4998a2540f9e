package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
)

// axis is an input that a sweep gives one value after another.
type axis struct {
	in     *input
	values []any
	texts  []string // as they are shown
}

// axes reads the arguments of --grid.
func (g *given) axes(ctx context.Context, c *call, cmd *cobra.Command, args []string) ([]axis, error) {
	u := &usageError{help: cmd.CommandPath() + " --help"}
	var all []axis
	for _, arg := range args {
		in, text, problem := g.split(arg)
		if problem != "" {
			u.problems = append(u.problems, strings.Replace(problem, "--input", "--grid", 1))
			continue
		}
		if slices.ContainsFunc(all, func(a axis) bool { return a.in == in }) {
			u.problems = append(u.problems, fmt.Sprintf("--grid %s: input %q has its values already", quote(arg), in.name))
			continue
		}
		text, err := c.load(ctx, "--grid "+in.name, text)
		a := axis{in: in}
		if err == nil {
			err = a.read(text)
		}
		if err != nil {
			u.problems = append(u.problems, fmt.Sprintf("--grid %s=… (%s): %v", in.name, in.typeName(), err))
			continue
		}
		all = append(all, a)
	}
	total := 1
	for _, a := range all {
		if total > math.MaxInt32/len(a.values) {
			return nil, wrong(cmd, "--grid: the combinations are more than %d", math.MaxInt32)
		}
		total *= len(a.values)
	}
	if len(args) == 0 {
		u.problems = append(u.problems, "there is no --grid: give the inputs to vary and their values")
	}
	if len(u.problems) == 0 {
		return all, nil
	}
	u.example = g.gridExample(cmd)
	return nil, u
}

// read splits a list of values: a JSON array, or texts with commas between.
func (a *axis) read(text string) error {
	var raw []json.RawMessage
	var texts []string
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "[") {
		if err := json.Unmarshal([]byte(trimmed), &raw); err != nil {
			return fmt.Errorf("%s is no JSON array: %w", excerpt(text), err)
		}
		for _, r := range raw {
			s := string(r)
			if a.in.typ == nil || a.in.typ.Kind() != reflect.Interface { // an interface keeps the JSON type
				_ = json.Unmarshal(r, &s)
			}
			texts = append(texts, s)
		}
	} else {
		texts = strings.Split(text, ",")
	}
	if len(texts) == 0 || text == "" {
		return fmt.Errorf("there are no values")
	}
	for _, one := range texts {
		v, err := parse(a.in.typ, []string{one})
		if err != nil {
			return err
		}
		a.values = append(a.values, v)
		a.texts = append(a.texts, one)
	}
	return nil
}

// combinations are the places in the axes of each combination: the last axis
// runs fastest.
func combinations(axes []axis) [][]int {
	all := [][]int{{}}
	for _, a := range axes {
		next := make([][]int, 0, len(all)*len(a.values))
		for _, places := range all {
			for i := range a.values {
				next = append(next, append(slices.Clip(places), i))
			}
		}
		all = next
	}
	return all
}

// with adds the values of a combination to the other inputs.
func with(base runnel.Values, axes []axis, places []int) runnel.Values {
	in := runnel.Values{}
	for name, v := range base {
		in[name] = v
	}
	for k, a := range axes {
		in[a.in.name] = a.values[places[k]]
	}
	return in
}

// gridExample is a right call of a sweep.
func (g *given) gridExample(cmd *cobra.Command) string {
	for _, in := range g.flow.inputs {
		if unfit(in.typ) != "" {
			continue
		}
		one := sample(in.typ)
		other := one
		if v, err := parse(in.typ, []string{"2"}); err == nil && v != nil {
			other = "2"
		}
		values := one + "," + other
		if strings.ContainsAny(one, ",[{") {
			values = "[" + one + "]"
		}
		words := append(strings.Fields(cmd.CommandPath()), "--grid", in.name+"="+values)
		for _, more := range g.flow.inputs {
			if more != in && !more.optional && unfit(more.typ) == "" {
				words = append(words, g.words(more, sample(more.typ))...)
			}
		}
		return strings.Join(quoteAll(words), " ")
	}
	return ""
}

package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// given are the inputs of a call, as they stand on the command line.
type given struct {
	flow  *flow
	texts map[string][]string // by input
	named []string            // of --input, name=text
	shown *pflag.FlagSet      // the flags that inputs have here, for the help
	bare  []*input            // inputs without a flag here
}

// inputFlags gives a command a flag for each external input, and --input. The
// command's own flags have to be there before: of two with one name its own
// counts.
func (c *call) inputFlags(cmd *cobra.Command, f *flow) *given {
	g := &given{flow: f, texts: map[string][]string{}, shown: pflag.NewFlagSet("inputs", pflag.ContinueOnError)}
	own := cmd.Flags()
	own.StringArrayVar(&g.named, "input", nil, "an input by its name; a value is plain text or JSON, @FILE, or - for the standard input")
	name(own, "input", "NAME=VALUE")
	own.SetNormalizeFunc(hyphens)
	for _, in := range f.inputs {
		if in.flag == "" || in.flag == "help" || own.Lookup(in.flag) != nil || unfit(in.typ) != "" {
			g.bare = append(g.bare, in)
			continue
		}
		flag := &pflag.Flag{Name: in.flag, Usage: in.about(), Value: &inputFlag{in, g.texts}}
		if in.isBool() {
			flag.NoOptDefVal = "true"
		}
		own.AddFlag(flag)
		g.shown.AddFlag(flag)
	}
	g.shown.SortFlags = true
	c.givens[cmd] = g
	return g
}

// hyphens lets a flag be written with underscores too, as its input is.
func hyphens(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
}

// inputFlag is the flag of an input. Its texts are parsed when all are there, so
// that everything that is wrong is said at once.
type inputFlag struct {
	in    *input
	texts map[string][]string
}

func (v *inputFlag) String() string { return "" }
func (v *inputFlag) Type() string   { return v.in.typeName() }
func (v *inputFlag) Set(text string) error {
	v.texts[v.in.name] = append(v.texts[v.in.name], text)
	return nil
}

// split finds the input that a NAME=VALUE of --input names. The name may hold
// equals signs itself.
func (g *given) split(arg string) (in *input, text string, problem string) {
	for _, candidate := range g.flow.inputs {
		if rest, ok := strings.CutPrefix(arg, candidate.name+"="); ok && (in == nil || len(candidate.name) > len(in.name)) {
			in, text = candidate, rest
		}
	}
	if in != nil {
		return in, text, ""
	}
	var names []string
	for _, candidate := range g.flow.inputs {
		names = append(names, candidate.name)
	}
	name, text, ok := strings.Cut(arg, "=")
	switch {
	case !ok && g.flow.input(name) != nil:
		return nil, "", fmt.Sprintf("--input %s has no value: write %s=VALUE", quote(arg), name)
	case !ok:
		return nil, "", fmt.Sprintf("--input %s is not of the form NAME=VALUE%s", quote(arg), near(name, names))
	case slices.Contains(g.flow.p.Externals(), name): // declared, and consumed by no task
		return &input{name: name, optional: true}, text, ""
	case slices.Contains(g.flow.graph.Outputs(), name):
		return nil, "", fmt.Sprintf("--input %s: a task produces %q, it is not an input", quote(arg), name)
	}
	return nil, "", fmt.Sprintf("there is no input %q%s; there are %s", name, near(name, names), orNone(names))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return listed(names)
}

// values makes the inputs of a run on that part of the graph. supplied inputs
// come from elsewhere. The error is a usage error with an example.
func (g *given) values(ctx context.Context, c *call, cmd *cobra.Command, need *dag.Graph, supplied ...string) (runnel.Values, error) {
	in := runnel.Values{}
	var problems []string
	good, bad := map[string][]string{}, map[string]bool{}
	texts := maps.Clone(g.texts)
	extra := map[string]*input{}
	for _, arg := range g.named {
		input, text, problem := g.split(arg)
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		extra[input.name] = input
		texts[input.name] = append(slices.Clone(texts[input.name]), text)
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		input := extra[name]
		if input == nil {
			input = g.flow.input(name)
		}
		if slices.Contains(supplied, name) {
			problems = append(problems, fmt.Sprintf("input %q is given twice: in the grid and as a flag", name))
			continue
		}
		v, err := c.value(ctx, input, texts[name])
		if err != nil {
			bad[name] = true
			problems = append(problems, fmt.Sprintf("%s (%s): %v", input.label(), input.typeName(), err))
			continue
		}
		in[name], good[name] = v, texts[name]
	}
	for _, name := range need.ExternalInputs() {
		data, _ := need.Data(name)
		if _, there := texts[name]; there || data.Optional || slices.Contains(supplied, name) {
			continue
		}
		input := g.flow.input(name)
		problems = append(problems, fmt.Sprintf("input %q of type %s is missing: give it with %s (%s)", name, input.typeName(), strings.Join(quoteAll(g.words(input, sample(input.typ))), " "), input.takenBy()))
	}
	if len(problems) == 0 {
		return in, nil
	}
	if ctx.Err() != nil {
		return nil, status(ExitCancelled)
	}
	return nil, &usageError{problems: problems, example: g.example(cmd, need, good, bad, supplied), help: cmd.CommandPath() + " --help"}
}

// value loads and parses what was given for an input.
func (c *call) value(ctx context.Context, in *input, texts []string) (any, error) {
	loaded := make([]string, len(texts))
	for i, text := range texts {
		var err error
		if loaded[i], err = c.load(ctx, in.label(), text); err != nil {
			return nil, err
		}
	}
	return parse(in.typ, loaded)
}

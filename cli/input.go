package cli

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/runnelflow/runnel/dag"
)

// input is an external input of a pipeline.
type input struct {
	name     string
	typ      reflect.Type // nil: not declared
	optional bool
	preset   string   // what its tasks take when it is absent, where they agree on a default
	takers   []string // tasks that take it
	flag     string   // without the hyphens; empty when its name makes none
}

// inputsOf lists the external inputs of a graph, by name.
func inputsOf(g *dag.Graph) []*input {
	var all []*input
	flags := map[string]bool{}
	for _, name := range g.ExternalInputs() {
		data, _ := g.Data(name)
		in := &input{name: name, typ: data.Type, optional: data.Optional}
		var defaults []any
		for _, n := range data.Consumers {
			in.takers = append(in.takers, n.Name)
			for _, port := range n.InputPorts() {
				if port.Name == name && port.Optional {
					defaults = append(defaults, port.Default)
				}
			}
		}
		in.preset = agreed(defaults)
		if flag := strings.ReplaceAll(name, "_", "-"); flagName.MatchString(flag) && !flags[flag] {
			in.flag, flags[flag] = flag, true
		}
		all = append(all, in)
	}
	return all
}

// flagName is what can be written behind two hyphens without surprise.
var flagName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}.-]*$`)

// agreed is the default that all have, or nothing.
func agreed(defaults []any) string {
	text := ""
	for i, d := range defaults {
		switch {
		case d == nil, i > 0 && fmt.Sprint(d) != text:
			return ""
		}
		text = fmt.Sprint(d)
	}
	return text
}

// about says in a line what an input is.
func (in *input) about() string {
	need := "required"
	switch {
	case in.preset != "":
		need = "default " + in.preset
	case in.optional:
		need = "optional"
	}
	text := need + "; " + in.takenBy()
	if why := unfit(in.typ); why != "" {
		text += "; " + why
	}
	return text
}

// takenBy names the tasks that take an input, the first of many.
func (in *input) takenBy() string {
	const most = 3
	if more := len(in.takers) - most; more > 0 {
		return fmt.Sprintf("for tasks %s and %d more", clean(strings.Join(in.takers[:most], ", ")), more)
	}
	if len(in.takers) > 1 {
		return "for tasks " + clean(strings.Join(in.takers, ", "))
	}
	return "for task " + clean(strings.Join(in.takers, ", "))
}

// typeName is the type as its users write it.
func (in *input) typeName() string { return typeName(in.typ) }

// typeName is a type without the folders of its packages, which those of type
// arguments have.
func typeName(t reflect.Type) string {
	switch {
	case t == nil, t.Kind() == reflect.Interface && t.NumMethod() == 0:
		return "any"
	}
	return folders.ReplaceAllString(t.String(), "")
}

var folders = regexp.MustCompile(`[\w.~-]+(/[\w.~-]+)*/`)

// label is how the user calls the input: its flag, or else its name.
func (in *input) label() string {
	if in.flag != "" {
		return "--" + in.flag
	}
	return "--input " + quote(in.name+"=…")
}

// words are the arguments that give an input one text.
func (in *input) words(text string) []string {
	switch {
	case in.flag == "":
		return []string{"--input", in.name + "=" + text}
	case in.isBool() && text == "true":
		return []string{"--" + in.flag}
	case in.isBool() || strings.HasPrefix(text, "-") && text != "-":
		return []string{"--" + in.flag + "=" + text}
	}
	return []string{"--" + in.flag, text}
}

func (in *input) isBool() bool { return in.typ != nil && in.typ.Kind() == reflect.Bool }

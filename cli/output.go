package cli

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// mostLines is how many lines of a value are shown to people.
const mostLines = 40

// results are the data that a run was made for: its targets, or what no task
// takes.
func results(g *dag.Graph, targets []string) []string {
	if len(targets) > 0 {
		return targets
	}
	var names []string
	for _, name := range g.Outputs() {
		if data, _ := g.Data(name); len(data.Consumers) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// writeResults writes the named outputs for people, those that are there.
func writeResults(w io.Writer, outputs map[string]any, names []string) {
	for _, name := range names {
		v, there := outputs[name]
		if !there {
			continue
		}
		text := strings.TrimSuffix(readable(v), "\n")
		lines := strings.Split(text, "\n")
		if len(lines) == 1 {
			fmt.Fprintf(w, "%s: %s\n", clean(name), text)
			continue
		}
		fmt.Fprintf(w, "%s:\n", clean(name))
		for i, line := range lines {
			if i == mostLines {
				fmt.Fprintf(w, "  … and %d more lines; --json shows all\n", len(lines)-i)
				break
			}
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

// readable is a value for people: text as it is, the rest as its own String
// method or JSON says.
func readable(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return v
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return plural(len(v), "byte", "bytes")
	case error, fmt.Stringer, encoding.TextMarshaler:
		return printed(v)
	}
	text, err := marshal(v)
	switch {
	case err != nil:
		return printed(v)
	case len(text) <= 72:
		return string(text)
	}
	var b bytes.Buffer
	_ = json.Indent(&b, text, "", "  ") // it is JSON
	return b.String()
}

// printed is what fmt makes of a value; it survives methods that panic.
func printed(v any) string { return fmt.Sprintf("%+v", v) }

// encodable is a value as it goes into JSON: what JSON cannot express is
// written as text.
func encodable(v any) json.RawMessage {
	text, err := marshal(v)
	if err != nil {
		text, _ = json.Marshal(printed(v))
	}
	return text
}

// marshal survives methods that panic.
func marshal(v any) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// resultJSON is what run --json writes.
func resultJSON(res *runnel.Result) any {
	outputs := map[string]json.RawMessage{}
	all := res.Outputs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		outputs[name] = encodable(all[name])
	}
	return struct {
		Outputs map[string]json.RawMessage `json:"outputs"`
		Report  *runnel.Report             `json:"report"`
	}{outputs, res.Report()}
}

package dag

import (
	"encoding/json"
	"fmt"
	"reflect"
)

type graphJSON struct {
	Nodes          []nodeJSON `json:"nodes"`
	Edges          []edgeJSON `json:"edges"`
	Levels         [][]string `json:"levels"`
	ExternalInputs []string   `json:"external_inputs"`
	Outputs        []string   `json:"outputs"`
}

type nodeJSON struct {
	Name        string                     `json:"name"`
	Description string                     `json:"description"`
	Level       int                        `json:"level"`
	Inputs      []string                   `json:"inputs"`
	Outputs     []string                   `json:"outputs"`
	After       []string                   `json:"after"`
	Meta        map[string]json.RawMessage `json:"meta"`
}

type edgeJSON struct {
	From  string   `json:"from"`
	To    string   `json:"to"`
	Data  []string `json:"data"`
	After bool     `json:"after"`
}

// MarshalJSON writes the graph as one object with these members:
//
//	nodes           by level, then name; each has name, description, level,
//	                inputs, outputs, after (names) and meta (an object)
//	edges           each has from and to (task names), data (the names that
//	                flow, sorted) and after (true when ordered by After)
//	levels          the names of the tasks of each level
//	external_inputs the data that no task produces, sorted
//	outputs         the data that tasks produce, sorted
//
// Every member is always there; an empty list is [], an empty meta {}. Equal
// structures with equal metadata give equal bytes. A meta value that JSON
// cannot express is written as the text that fmt.Sprint gives, or as the name
// of its type when it contains itself.
func (g *Graph) MarshalJSON() ([]byte, error) {
	out := graphJSON{
		Nodes:          make([]nodeJSON, 0, len(g.nodes)),
		Edges:          []edgeJSON{},
		Levels:         [][]string{},
		ExternalInputs: g.ExternalInputs(),
		Outputs:        g.Outputs(),
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		node := nodeJSON{
			Name:        n.Name,
			Description: n.Description,
			Level:       n.Level,
			Inputs:      nonNil(n.Inputs),
			Outputs:     nonNil(n.Outputs),
			After:       nonNil(n.After),
			Meta:        make(map[string]json.RawMessage, len(n.Meta)),
		}
		for key, value := range n.Meta {
			node.Meta[key] = metaJSON(value)
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, e := range g.Edges() {
		out.Edges = append(out.Edges, edgeJSON{From: e.From.Name, To: e.To.Name, Data: nonNil(e.Data), After: e.After})
	}
	for _, level := range g.Levels() {
		names := make([]string, len(level))
		for k, n := range level {
			names[k] = n.Name
		}
		out.Levels = append(out.Levels, names)
	}
	return json.Marshal(out)
}

func nonNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// metaJSON never fails: metadata is for the reader, and one odd value must not
// hide the graph.
func metaJSON(value any) json.RawMessage {
	if encoded, ok := encode(value); ok {
		return encoded
	}
	text := fmt.Sprintf("%T", value)
	if bounded(reflect.ValueOf(value), maxMetaDepth) {
		text = fmt.Sprint(value)
	}
	encoded, _ := encode(text)
	return encoded
}

// encode reports false for a value that cannot be encoded, also when its own
// MarshalJSON panics.
func encode(value any) (encoded json.RawMessage, ok bool) {
	defer func() {
		if recover() != nil {
			encoded, ok = nil, false
		}
	}()
	encoded, err := json.Marshal(value)
	return encoded, err == nil
}

const maxMetaDepth = 64

// bounded reports whether a value ends within depth levels, so that printing
// it ends too: fmt follows a map or slice that contains itself until the stack
// is exhausted, which cannot be recovered from. fmt follows a pointer only at
// the top, as this does.
func bounded(v reflect.Value, depth int) bool {
	if v.Kind() == reflect.Pointer && depth == maxMetaDepth {
		v = v.Elem()
	}
	if depth == 0 {
		return false
	}
	switch v.Kind() {
	case reflect.Interface:
		return bounded(v.Elem(), depth-1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if !bounded(v.Index(i), depth-1) {
				return false
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if !bounded(entries.Key(), depth-1) || !bounded(entries.Value(), depth-1) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !bounded(v.Field(i), depth-1) {
				return false
			}
		}
	}
	return true
}

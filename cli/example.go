package cli

import (
	"encoding"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runnelflow/runnel/dag"
)

// example is a right call: what was right of this one, and a sample of each
// input that is missing or wrong.
func (g *given) example(cmd *cobra.Command, need *dag.Graph, good map[string][]string, wrong map[string]bool, supplied []string) string {
	words := strings.Fields(cmd.CommandPath())
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if _, isInput := f.Value.(*inputFlag); isInput || f.Name == "input" {
			return
		}
		for _, text := range texts(f.Value) {
			words = append(words, "--"+f.Name+"="+text)
		}
	})
	for _, in := range g.flow.inputs {
		data, needed := need.Data(in.name)
		switch texts := good[in.name]; {
		case slices.Contains(supplied, in.name):
		case texts != nil:
			for _, text := range texts {
				words = append(words, g.words(in, text)...)
			}
		case unfit(in.typ) == "" && (wrong[in.name] || needed && !data.Optional):
			words = append(words, g.words(in, sample(in.typ))...)
		}
	}
	return strings.Join(quoteAll(words), " ")
}

// words are the arguments that give an input one text in this command.
func (g *given) words(in *input, text string) []string {
	if slices.Contains(g.bare, in) {
		return []string{"--input", in.name + "=" + text}
	}
	return in.words(text)
}

// sample is a text that parses as a type.
func sample(t reflect.Type) string {
	switch {
	case t == nil, t.Kind() == reflect.Interface, t == bytesType:
		return "text"
	case t == durationType:
		return "1.5s"
	}
	v := reflect.New(t)
	if isList(t) && !isList(t.Elem()) {
		return sample(t.Elem()) // one element
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil && len(text) > 0 {
			return string(text)
		}
	}
	switch t.Kind() {
	case reflect.String:
		if !decodesItself(t) {
			return "text"
		}
	case reflect.Pointer:
		if !isList(t.Elem()) {
			return sample(t.Elem())
		}
	}
	fill(v.Elem(), 3)
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return "{}"
	}
	return string(text)
}

// fill puts values that can be recognised into a value, depth levels of it.
func fill(v reflect.Value, depth int) {
	t := v.Type()
	if depth == 0 || decodesItself(t) {
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
		if t == durationType {
			v.SetInt(int64(time.Second))
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5)
	case reflect.String:
		v.SetString("text")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
		fill(v.Index(0), depth-1)
	case reflect.Array:
		for i := range min(v.Len(), 8) {
			fill(v.Index(i), depth-1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		fill(v.Elem(), depth-1)
	case reflect.Map:
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		fill(key, depth-1)
		fill(value, depth-1)
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				fill(v.Field(i), depth-1)
			}
		}
	}
}

var plainWord = regexp.MustCompile(`^[\p{L}\p{N}_@%+=:,./-]+$`)

// quote writes a word as a POSIX shell reads it.
func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return quoted
}

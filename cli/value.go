package cli

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// unfit says why a value of a type cannot be written on a command line, or
// nothing.
func unfit(t reflect.Type) string {
	if t == nil {
		return ""
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return ""
		}
	default:
		return ""
	}
	return fmt.Sprintf("a value of type %s cannot be given on a command line", t)
}

// parse makes a value of a type, nil for any type, of the texts that were given
// for it. Only a list takes several; of others the last one counts.
func parse(t reflect.Type, texts []string) (v any, err error) {
	defer func() {
		if p := recover(); p != nil { // of the type's own decoder
			err = fmt.Errorf("decoding a %s panicked: %v", t, p)
		}
	}()
	if why := unfit(t); why != "" {
		return nil, errors.New(why)
	}
	if t == nil {
		t = reflect.TypeFor[any]()
	}
	if isList(t) {
		return parseList(t, texts)
	}
	into := reflect.New(t)
	if err := parseOne(into, texts[len(texts)-1]); err != nil {
		return nil, err
	}
	return into.Elem().Interface(), nil
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[[]byte]()
)

// isList reports whether a flag of the type can be repeated.
func isList(t reflect.Type) bool {
	return t != nil && t.Kind() == reflect.Slice && t != bytesType && !decodesItself(t)
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
}

// parseList makes a list: each text is a JSON array, or one element.
func parseList(t reflect.Type, texts []string) (any, error) {
	list := reflect.MakeSlice(t, 0, len(texts))
	for _, text := range texts {
		var raw []json.RawMessage
		whole := strings.HasPrefix(strings.TrimSpace(text), "[") && json.Unmarshal([]byte(text), &raw) == nil
		some := reflect.MakeSlice(t, len(raw), len(raw))
		var err error
		for i := range raw {
			if err = parseJSON(some.Index(i).Addr(), raw[i]); err != nil {
				err = fmt.Errorf("element %d: %w", i, err)
				break
			}
		}
		if whole && err == nil {
			list = reflect.AppendSlice(list, some)
			continue
		}
		one := reflect.New(t.Elem())
		if alone := parseOne(one, text); alone != nil {
			if err == nil {
				err = alone
			}
			return nil, err
		}
		list = reflect.Append(list, one.Elem())
	}
	return list.Interface(), nil
}

// parseOne parses a text as it stands on a command line.
func parseOne(into reflect.Value, text string) error {
	v := into.Elem()
	t := v.Type()
	own, ownText := into.Interface().(encoding.TextUnmarshaler)
	switch {
	case t == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s is not a duration like 1.5s or 20ms", excerpt(text))
		}
		v.SetInt(int64(d))
		return nil
	case ownText:
		if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), into.Interface()) == nil {
			return nil
		}
		if err := own.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%s is not a %s: %w", excerpt(text), t, err)
		}
		return nil
	case t == bytesType:
		v.SetBytes([]byte(text))
		return nil
	case decodesItself(t):
		return parseJSON(into, []byte(text))
	case t.Kind() == reflect.String:
		// Quotes are for texts that would mean something else without them.
		var unquoted string
		if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &unquoted) == nil {
			text = unquoted
		}
		v.SetString(text)
		return nil
	case t.Kind() == reflect.Pointer:
		if text == "null" {
			return nil
		}
		v.Set(reflect.New(t.Elem()))
		return parseOne(v, text)
	case t.Kind() == reflect.Interface:
		if parseJSON(into, []byte(text)) != nil {
			v.Set(reflect.ValueOf(text))
		}
		return nil
	}
	if scalar, err := parseScalar(v, text); scalar {
		return err
	}
	return parseJSON(into, []byte(text))
}

// parseScalar parses numbers and truth values; ok is false for other types.
func parseScalar(v reflect.Value, text string) (ok bool, err error) {
	t := v.Type()
	switch t.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return true, fmt.Errorf("%s is neither true nor false", excerpt(text))
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, t.Bits())
		if err != nil {
			return true, fmt.Errorf("%s is not a whole number that fits %s", excerpt(text), t)
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, t.Bits())
		if err != nil {
			return true, fmt.Errorf("%s is not a whole number of 0 or more that fits %s", excerpt(text), t)
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		x, err := strconv.ParseFloat(text, t.Bits())
		if err != nil {
			return true, fmt.Errorf("%s is not a number that fits %s", excerpt(text), t)
		}
		v.SetFloat(x)
	default:
		return false, nil
	}
	return true, nil
}

// parseJSON decodes a whole document. A member that the type has not is most
// likely misspelt, so it is an error. Durations are texts like "1.5s".
func parseJSON(into reflect.Value, text []byte) error {
	if into.Elem().Type() == durationType {
		var s string
		if json.Unmarshal(text, &s) != nil {
			return fmt.Errorf("%s is not a duration like \"1.5s\"", excerpt(string(text)))
		}
		return parseOne(into, s)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(into.Interface())
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("there is more behind the first value")
		}
	}
	if err != nil {
		return fmt.Errorf("%s is not JSON for a %s: %s", excerpt(string(text)), into.Elem().Type(), strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// excerpt quotes the beginning of a text.
func excerpt(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

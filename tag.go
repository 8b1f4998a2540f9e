package runnel

import (
	"fmt"
	"strings"
)

// tag is a parsed `runnel:"…"` struct tag: a data name, then options.
//
//	runnel:"name"              the data name; empty for the field's own in snake case
//	runnel:"name[i,j]"         its elements along these axes, for a mapped task
//	runnel:"name,optional"     absent is the zero value
//	runnel:"name,default=0.5"  absent is the default; it comes last and may hold commas
//	runnel:"-"                 not an input
type tag struct {
	name       string
	axes       string // with commas between, empty for the whole of the data
	skip       bool
	optional   bool
	hasDefault bool
	text       string // of the default
}

// parseTag reads a tag. The error says what is wrong with it and the mend.
func parseTag(s string) (tag, error) {
	if s == "-" {
		return tag{skip: true}, nil
	}
	name, rest, more := cutName(s)
	if name == "-" {
		return tag{}, fmt.Errorf("the tag - leaves the field out, so it takes no options: drop %q", ","+rest)
	}
	name, axes, err := splitAxes(name)
	if err != nil {
		return tag{}, err
	}
	t := tag{name: name, axes: strings.Join(axes, ",")}
	if err := checkDataName(name); name != "" && err != nil {
		return tag{}, err
	}
	for more {
		if text, ok := strings.CutPrefix(rest, "default="); ok {
			t.hasDefault, t.text = true, text
			break
		}
		var option string
		option, rest, more = strings.Cut(rest, ",")
		if option != "optional" {
			return tag{}, fmt.Errorf("unknown tag option %q: use optional, or default=… as the last", option)
		}
		t.optional = true
	}
	if t.optional && t.hasDefault {
		return tag{}, fmt.Errorf("an input with a default is optional already: drop %q", "optional")
	}
	return t, nil
}

// cutName cuts a tag at the first comma that is not between brackets.
func cutName(s string) (name, rest string, more bool) {
	from := max(0, strings.IndexByte(s, ']'))
	if comma, bracket := strings.IndexByte(s, ','), strings.IndexByte(s, '['); bracket < 0 || comma >= 0 && comma < bracket {
		from = 0 // the brackets, if any, belong to a default
	}
	if at := strings.IndexByte(s[from:], ','); at >= 0 {
		return s[:from+at], s[from+at+1:], true
	}
	return s, "", false
}

// checkDataName refuses names that could not be told from an axis or a typing
// error. Names of a values task are literal and do not come here.
func checkDataName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a data name must not be empty")
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("data name %q begins or ends with a space: drop it", name)
	case strings.ContainsAny(name, "[]"):
		return fmt.Errorf("data name %q has brackets, which name an axis: this task works on whole values, so drop them, or declare it with NewMapTask", name)
	case strings.Contains(name, ","):
		return fmt.Errorf("data name %q has a comma: drop it", name)
	}
	return nil
}

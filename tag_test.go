package runnel

import (
	"reflect"
	"strings"
	"testing"
)

func TestTagGrammar(t *testing.T) {
	for text, want := range map[string]tag{
		"":                          {},
		"-":                         {skip: true},
		"name":                      {name: "name"},
		",optional":                 {optional: true},
		"name,optional":             {name: "name", optional: true},
		",default=0.5":              {hasDefault: true, text: "0.5"},
		"alpha,default=0.5":         {name: "alpha", hasDefault: true, text: "0.5"},
		"x,default=":                {name: "x", hasDefault: true},
		"x,default=a,b,optional":    {name: "x", hasDefault: true, text: "a,b,optional"},
		"x,default=default=1":       {name: "x", hasDefault: true, text: "default=1"},
		"with space":                {name: "with space"},
		"größe/π":                   {name: "größe/π"},
		"not-left-out":              {name: "not-left-out"},
		"x,default= spaces count  ": {name: "x", hasDefault: true, text: " spaces count  "},
		"tracks[i]":                 {name: "tracks", axes: "i"},
		"[i]":                       {axes: "i"},
		"score[i, j ,größe_2]":      {name: "score", axes: "i,j,größe_2"},
		"x[i,j],optional":           {name: "x", axes: "i,j", optional: true},
		"x[i,j],default=[a],b]":     {name: "x", axes: "i,j", hasDefault: true, text: "[a],b]"},
		"x,default=[1,2]":           {name: "x", hasDefault: true, text: "[1,2]"},
	} {
		got, err := parseTag(text)
		if err != nil || got != want {
			t.Errorf("parseTag(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestTagErrorsSayTheMend(t *testing.T) {
	for text, mend := range map[string]string{
		"x,required":             `unknown tag option "required": use optional, or default=`,
		"x, optional":            `unknown tag option " optional": use optional`,
		"x,":                     `unknown tag option ""`,
		"x,default":              `unknown tag option "default": use optional, or default=`,
		"x,Optional":             `unknown tag option "Optional"`,
		"x,optional,default=1":   `drop "optional"`,
		"-,optional":             `drop ",optional"`,
		"-,":                     `takes no options: drop`,
		" x":                     "begins or ends with a space: drop it",
		"x\t":                    "begins or ends with a space: drop it",
		"tracks[i":               `axes stand in one pair of brackets at the end of the name, as in "tracks[i,j]"`,
		"tracks[i,optional":      "axes stand in one pair of brackets at the end of the name",
		"tracks[i]s":             "axes stand in one pair of brackets at the end of the name",
		"tracks[i][j]":           "axes stand in one pair of brackets at the end of the name",
		"tracks[]":               `an axis is named by letters and digits, as in "tracks[i,j]"`,
		"tracks[i,]":             "an axis is named by letters and digits",
		"tracks[i-1]":            "an axis is named by letters and digits",
		"tracks[i,i]":            "axis i stands twice: a diagonal cannot be taken",
		" tracks[i]":             "begins or ends with a space: drop it",
		"x]":                     "has brackets",
		"x,optional,omitempty=1": `unknown tag option "omitempty=1"`,
	} {
		_, err := parseTag(text)
		if err == nil || !strings.Contains(err.Error(), mend) {
			t.Errorf("parseTag(%q): error %v, want one with %q", text, err, mend)
		}
	}
}

func TestTagThatGoCannotReadIsAProblem(t *testing.T) {
	for text, malformed := range map[reflect.StructTag]bool{
		`runnel:name`:                    true,
		`runnel:"name`:                   true,
		`runnel`:                         true,
		`json:"a",runnel:"b"`:            true,
		`json: "a" runnel:"b"`:           true,
		`json:"a" runnel:"b"`:            false,
		`json:"a"`:                       false,
		`doc:"what runnel: makes of it"`: false,
		``:                               false,
	} {
		s := signatureOf(reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.TypeFor[int](), Tag: text}}))
		if got := len(s.problems) == 1 && strings.Contains(s.problems[0], "field F: Go cannot read its tag"); got != malformed {
			t.Errorf("tag %q: problems %q, want one: %t", text, s.problems, malformed)
		}
	}
}

// write is the text of a tag: the inverse of parseTag.
func (t tag) write() string {
	name := t.name
	if t.axes != "" {
		name += "[" + t.axes + "]"
	}
	switch {
	case t.skip:
		return "-"
	case t.hasDefault:
		return name + ",default=" + t.text
	case t.optional:
		return name + ",optional"
	}
	return name
}

func FuzzTag(f *testing.F) {
	for _, s := range []string{"", "-", "name", "name,optional", ",default=0.5", "x,default=a,b", "x,optional,default=1", "tracks[i]", "[i]", "x[ i , j ],default=[a]", "x[i", "x]i[", "x[i,i]", " x", "-,optional", ",,,", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTag(text)
		if err != nil {
			if got != (tag{}) || err.Error() == "" {
				t.Fatalf("parseTag(%q) = %+v, %v: a refused tag must be empty and say why", text, got, err)
			}
			return
		}
		again, err := parseTag(got.write())
		if err != nil || again != got {
			t.Fatalf("parseTag(%q) = %+v, but its text %q gives %+v, %v", text, got, got.write(), again, err)
		}
		if got.name != "" && checkDataName(got.name) != nil {
			t.Fatalf("parseTag(%q) accepts the name %q, which no output can have", text, got.name)
		}
		if got.optional && got.hasDefault || got.skip && got != (tag{skip: true}) {
			t.Fatalf("parseTag(%q) = %+v contradicts itself", text, got)
		}
	})
}

package canon

import (
	"reflect"
	"strings"
	"testing"
)

type price struct{ Price int }

// sealed writes itself, since not all of it can be seen.
type sealed struct {
	Price  price
	hidden int
}

func (sealed) MarshalBinary() ([]byte, error)    { return []byte{1}, nil }
func (s *sealed) UnmarshalBinary(_ []byte) error { s.hidden = 1; return nil }

type closure struct{ F func() }

// box writes itself, and has a part that cannot be told apart.
type box struct{ Closure closure }

func (box) MarshalBinary() ([]byte, error)  { return nil, nil }
func (*box) UnmarshalBinary(_ []byte) error { return nil }

type anything struct{ V any }

// crate writes itself, and what it has cannot be made again.
type crate struct {
	V      anything
	hidden int
}

func (crate) MarshalBinary() ([]byte, error)    { return nil, nil }
func (c *crate) UnmarshalBinary(_ []byte) error { c.hidden = 1; return nil }

// TestPartsOfATypeThatWritesItselfAreLookedAtAnew where they are met again: what was
// begun of them is of no use.
func TestPartsOfATypeThatWritesItselfAreLookedAtAnew(t *testing.T) {
	c, err := Of(reflect.TypeFor[struct {
		A sealed
		B price
	}]())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.Types(), "B { Price int }") {
		t.Errorf("the type is told as %q, without the field of its second part", c.Types())
	}
	if _, err := Of(reflect.TypeFor[struct {
		A box
		B closure
	}]()); err == nil || !strings.Contains(err.Error(), "B.F") {
		t.Errorf("a function is taken: %v", err)
	}
	c, err = Of(reflect.TypeFor[struct {
		A crate
		B anything
	}]())
	if err != nil {
		t.Fatal(err)
	}
	if c.OneWay() == nil {
		t.Error("what an interface holds would be made again")
	}
}

package cli

import "github.com/spf13/pflag"

// named is the value of a flag that the help shows with a name of its own.
type named struct {
	pflag.Value
	name string
}

func (n named) Type() string { return n.name }

// name makes the help show the value of a flag by a name.
func name(flags *pflag.FlagSet, flag, shown string) {
	f := flags.Lookup(flag)
	if f.DefValue == "[]" {
		f.DefValue = "" // no default
	}
	f.Value = named{f.Value, shown}
}

// texts are what has to be written to give a flag its value again.
func texts(v pflag.Value) []string {
	if n, ok := v.(named); ok {
		v = n.Value
	}
	if list, ok := v.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{v.String()}
}

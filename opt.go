package runnel

// Opt is the type of an input field that tells an absent value from a zero one.
// The field is optional: a task with a field `Config Opt[Config]` runs without
// data "config", and with it when somebody produces or supplies it.
type Opt[T any] struct {
	// Value is the input, or the zero value of T when it is absent.
	Value T
	// Ok says whether the input is there.
	Ok bool
}

// Or returns the value, or other when it is absent.
func (o Opt[T]) Or(other T) T {
	if o.Ok {
		return o.Value
	}
	return other
}

func (Opt[T]) optional() {}

// anOpt is implemented by every Opt and nothing else.
type anOpt interface{ optional() }

package runnel

import (
	"runtime/debug"
)

// An Observer gets the events of a run, one after another in the order in which
// they happened, on a goroutine of its own: it never holds up a task. Run and
// Wait return after it has had the last one, so it must not wait for the run's
// end itself.
type Observer func(Event)

// Observe adds observers to a run. An observer that panics gets no further
// events, and the panic, a [*PanicError], is joined to the run's error.
func Observe(observers ...Observer) RunOption {
	return runOption(func(c *runConfig) {
		for _, o := range observers {
			if o == nil {
				c.problem("Observe: the observer is nil")
				return
			}
		}
		c.observers = append(c.observers, observers...)
	})
}

// deliver hands events to the observers until the log is closed, and returns
// their panics.
func (x *execution) deliver() []error {
	var errs []error
	broken := make([]bool, len(x.config.observers))
	seen := 0
	for {
		entries := x.log.read(seen)
		if len(entries) == 0 {
			return errs
		}
		seen += len(entries)
		for i := range entries {
			e := x.event(&entries[i])
			for k, o := range x.config.observers {
				if broken[k] {
					continue
				}
				if err := tell(o, e); err != nil {
					broken[k] = true
					errs = append(errs, err)
				}
			}
		}
	}
}

func tell(o Observer, e Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	o(e)
	return nil
}

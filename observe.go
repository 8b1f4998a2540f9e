package runnel

import (
	"fmt"
	"runtime/debug"
	"slices"
)

// An Observer gets the events of a run, one after another in the order in which
// they happened, on a goroutine of its own: it never holds up a task. Run and
// Wait return after it has had the last one, so it must not wait for the run's
// end itself.
type Observer func(Event)

// Observe adds observers to a run, or to all runs of a coordinator: those are called
// for several runs at once. An observer that panics gets no further events of the run,
// and the panic, a [*PanicError], is joined to the run's error. One that ends its
// goroutine is treated alike, with [ErrGoexit].
func Observe(observers ...Observer) ObserveOption { return observeOption(slices.Clone(observers)) }

// delivery hands the events of a run to its observers.
type delivery struct {
	x       *execution
	events  eventMaker
	from    *reader
	entries []entry // the last ones read
	details []detail
	entry   int     // the next of them to deliver
	to      int     // the next observer to get it
	broken  []bool  // observers that get no more
	errs    []error // why
	done    chan []error
}

// deliver starts the delivery of events. When the log is closed and all have
// been delivered, the channel gets the panics of observers.
func (x *execution) deliver() <-chan []error {
	d := &delivery{x: x, from: x.log.reader(), broken: make([]bool, len(x.config.observers)), done: make(chan []error, 1)}
	go d.run()
	return d.done
}

func (d *delivery) run() {
	d.events = newEventMaker(d.x)
	unwound := true
	defer func() {
		if unwound { // an observer has ended the goroutine
			go d.run()
		}
	}()
	for d.read() {
		e := d.events.event(&d.entries[d.entry], d.details)
		for d.to < len(d.broken) {
			d.to++
			if k := d.to - 1; !d.broken[k] {
				d.tell(k, e)
			}
		}
		d.entry, d.to = d.entry+1, 0
	}
	unwound = false
	d.done <- d.errs
}

// read waits for the next entry, and reports whether there is one.
func (d *delivery) read() bool {
	if d.entry == len(d.entries) {
		d.entries, d.details = d.from.read()
		d.entry = 0
	}
	return len(d.entries) > 0
}

func (d *delivery) tell(k int, e Event) {
	err := ErrGoexit // unless it returns or panics
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			d.broken[k] = true
			d.errs = append(d.errs, fmt.Errorf("runnel: observer %d of %d stopped at %T: %w", k+1, len(d.broken), e, err))
		}
	}()
	d.x.config.observers[k](e)
	err = nil
}

package runnel

import (
	"reflect"

	"github.com/runnelflow/runnel/broker"
)

// Package runnel, here, is a file of the tests of the library's own package, put among
// them by "go test -overlay": it shows matrix_test.go, which is outside of the package
// since the drivers import it, what no user needs.

// EachRunHas has the runs of all tests use a broker, or none where it is nil.
func EachRunHas(b func(*Pipeline) broker.Broker) { testBroker = b }

// TypesSent are those of the values that travel when workers do the tasks.
func TypesSent(p *Pipeline) ([]reflect.Type, error) {
	g, err := p.build()
	if err != nil {
		return nil, err
	}
	var types []reflect.Type
	for _, d := range g.tasks {
		for _, in := range d.inputs {
			types = append(types, in.typ)
		}
		for _, out := range d.outputs {
			types = append(types, d.sent(&out))
		}
	}
	return types, nil
}

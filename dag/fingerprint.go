package dag

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/typename"
)

// fingerprintVersion is hashed first. It changes when the encoding does, so
// that no two encodings can be mistaken for each other.
const fingerprintVersion = "runnel dag 1"

// Fingerprint returns the SHA-256 sum, in hex, of the structure: the names of
// the tasks, the names, types and optional marks of their ports, and what they
// run after. Types count by their full names with package paths, not by what
// is inside a named type. Descriptions, metadata, the order of the tasks and
// the order of ports within a task do not count.
//
// The sum is the same in every process and on every machine as long as the
// import paths of the types are. It is computed at each call.
func (g *Graph) Fingerprint() string {
	f := fingerprint{hash: sha256.New(), typeNames: make(map[reflect.Type]string)}
	f.text(fingerprintVersion)
	f.number(len(g.nodes))
	for i := range g.nodes {
		n := &g.nodes[i]
		f.text(n.Name)
		f.ports(n.ports[:n.inputPorts])
		f.ports(n.ports[n.inputPorts:])
		f.number(len(n.After))
		for _, name := range n.After {
			f.text(name)
		}
	}
	return hex.EncodeToString(f.hash.Sum(nil))
}

// fingerprint writes values so that they cannot run into each other: every
// text behind its length, every list behind its count.
type fingerprint struct {
	hash      hash.Hash
	typeNames map[reflect.Type]string
	buffer    []byte
}

func (f *fingerprint) number(n int) {
	f.buffer = binary.AppendUvarint(f.buffer[:0], uint64(n))
	f.hash.Write(f.buffer)
}

func (f *fingerprint) text(s string) {
	f.buffer = binary.AppendUvarint(f.buffer[:0], uint64(len(s)))
	f.buffer = append(f.buffer, s...)
	f.hash.Write(f.buffer)
}

func (f *fingerprint) ports(ports []Port) {
	sorted := slices.SortedFunc(slices.Values(ports), func(a, b Port) int {
		return cmp.Or(
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(axesText(a), axesText(b)),
			cmp.Compare(f.typeName(a.Type), f.typeName(b.Type)),
			cmp.Compare(optionalMark(a), optionalMark(b)),
		)
	})
	f.number(len(sorted))
	for _, p := range sorted {
		f.text(p.Name + axesText(p))
		f.text(f.typeName(p.Type))
		f.text(optionalMark(p))
	}
}

func (f *fingerprint) typeName(t reflect.Type) string {
	name, ok := f.typeNames[t]
	if !ok {
		name = typename.Full(t)
		f.typeNames[t] = name
	}
	return name
}

func optionalMark(p Port) string {
	if p.Optional {
		return "optional"
	}
	return ""
}

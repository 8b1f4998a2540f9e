// Package arch holds the rules about the shape of this repository: which
// package may import which, what the library may link, and a few about files.
// The rules are data, in table_test.go; the tests read the sources in-process,
// with go/parser, so that every run looks at the files as they are. Each
// finding names the place, what was found there, and the mend.
package arch

// Package docs holds the documentation against the sources. Its tests compile
// every block of Go code in README.md and docs/, but for docs/cli.md, run those that say what they
// print, provoke each symptom of docs/troubleshooting.md, look up each name in
// docs/from-taskiq-flow.md, and follow the links between the pages.
//
// A block that begins with a package clause is a program of its own. The other
// blocks of a page belong together: one of declarations declares them for the
// whole page, and one of statements is the body of a function
//
//	func(ctx context.Context) error
//
// whose variables need not be used. Standard and Runnel's packages need no
// import in them. What a page takes for granted is declared in a comment that
// readers do not see, "<!-- go prelude", the code, "-->". A block that ends in a
// comment "Output:" is run, and must print that. A block behind a comment
// "<!-- from examples/sweep/main.go -->" is an excerpt of that file, which is
// compiled and tested where it is: the block must stand in it.
package docs

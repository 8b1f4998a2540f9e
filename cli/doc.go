// Package cli is the command line of a pipeline's own binary:
//
//	func main() { cli.Main(pipeline) }
//
// makes a tool that lists its pipelines, draws them, runs them with their
// external inputs as flags, sweeps over inputs and measures runs; "mytool help"
// says how. [New] gives a tool something to do of its own when it is called
// without a command.
package cli

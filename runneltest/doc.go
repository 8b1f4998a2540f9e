// Package runneltest holds a pipeline against its rules in a test.
//
// [Check] finds what is wrong with the graph, and the misspelled names that
// make a sound graph of another kind than the one meant. [ReadOnly] runs the
// pipeline and finds the tasks that change what they were given.
//
//	func TestPipeline(t *testing.T) {
//		runneltest.Check(t, pipeline)
//		runneltest.ReadOnly(t, pipeline, runnel.Values{"paths": paths})
//	}
package runneltest

// Package natsbroker carries jobs to workers over NATS JetStream: a server that
// users run already, or one embedded in their own process.
//
// [Open] takes a connection, [Connect] makes one, and [Embedded] starts a server
// with file storage inside the process, with no socket unless it is asked for.
//
// # What is kept where
//
// Everything has a namespace, "runnel" unless [Namespace] says otherwise. Below it
// are nine streams:
//
//	<ns>-jobs      a work queue: jobs, several short ones in a message, which is gone when it is acknowledged
//	<ns>-runs      the results of each run, and the marks of those that have ended
//	<ns>-kept      runs that are kept: their graphs and inputs, who drives them, their ends
//	<ns>-values    values too large for a message, in chunks, by their SHA-256
//	<ns>-got       which worker got a job when: the story of one that is given up
//	<ns>-spent     the server's word that it does not deliver a job any more
//	<ns>-dead      jobs that were given up
//	<ns>-workers   who is alive; a message is gone a lease after it was written
//	<ns>-schedules the states of schedules, one message each
//
// They are made when they are not there, and brought up to the options when they
// are. A result is recorded by a publish that expects its subject to be empty: the
// first one wins, whoever else is late. That is the fence that makes recording
// happen once, though jobs may be done more than once.
//
// Results of a run with DirectResults are not kept: workers send them to the
// process of the run, below <ns>.direct, as requests of core NATS, until it answers.
// When nobody has answered for a minute, or two leases if that is longer, while the
// worker itself was connected, the run's process counts as dead: the worker ends the
// run, and removes what is left of it.
//
// # What acknowledged means
//
// The server has written a message to its file when it acknowledges it, and syncs
// the file every two minutes unless it is told otherwise: the death of any process
// loses nothing, a power cut may lose what was written since. [Embedded] takes
// [SyncAlways]; a server of your own has sync_interval. On three replicas a message
// is with a majority of them before it is acknowledged.
package natsbroker

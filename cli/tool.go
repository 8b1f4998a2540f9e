package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
)

// Exit statuses of a tool.
const (
	ExitOK        = 0   // it did what was asked
	ExitFailed    = 1   // a run failed or ran out of its time, or a file could not be written
	ExitUsage     = 2   // the command, its flags or its inputs are wrong, and nothing has run
	ExitBuild     = 3   // a pipeline does not build
	ExitCancelled = 130 // Ctrl-C or SIGTERM
)

// Streams are what a tool reads and writes: results on Out, everything else on
// Err. Progress is drawn in place where Err is a terminal.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// An Action is what a tool does when it is called without a command. It gets the
// arguments that are no flags and returns the exit status.
type Action func(ctx context.Context, args []string, s Streams) int

// A Tool is the command line of some pipelines.
type Tool struct {
	name      string
	pipelines []*runnel.Pipeline

	action     Action
	args, does string
}

// New makes the tool of these pipelines. It is called like the program's file.
// Several pipelines need names, by runnel.PipelineName; what is wrong with them
// is reported by the commands.
func New(pipelines ...*runnel.Pipeline) *Tool {
	return &Tool{
		name:      strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"),
		pipelines: pipelines,
	}
}

// Default gives the tool an action of its own, for a call without a command, and
// returns the tool. args and does are how its help shows it: "[file.wav ...]",
// "analyses these recordings". A file that is called like a command is reached
// by a path, as in ./graph, and what begins with a hyphen after "--".
func (t *Tool) Default(args, does string, action Action) *Tool {
	t.args, t.does, t.action = args, does, action
	return t
}

// Main is New(pipelines...).Main(): it does what the program's arguments say and
// ends the program.
func Main(pipelines ...*runnel.Pipeline) { New(pipelines...).Main() }

// Run does what the arguments, those after the program's name, say, and returns
// the exit status, one of the constants. It handles no signals: ctx cancels what
// it does.
func (t *Tool) Run(ctx context.Context, args []string, s Streams) int {
	c := &call{tool: t, Streams: s, givens: map[*cobra.Command]*given{}}
	for i, p := range t.pipelines {
		c.flows = append(c.flows, newFlow(p, i))
	}
	c.checkNames()
	root := c.root()
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the program
	return c.end(root.ExecuteContext(ctx))
}

// call is one use of a tool.
type call struct {
	tool *Tool
	Streams
	flows  []*flow
	stdin  stdin
	givens map[*cobra.Command]*given // for the help
}

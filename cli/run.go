package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// runFlags are what can be said about a run.
type runFlags struct {
	targets  []string
	parallel int
	onError  string
	timeout  time.Duration
	json     bool
	progress string
	expect   string
	files    files
}

// errorModes are the values of --on-error.
var errorModes = map[string]runnel.ErrorMode{
	"fail-fast":   runnel.FailFast,
	"continue":    runnel.ContinueOnError,
	"skip-failed": runnel.SkipFailed,
}

var (
	errorModeNames = []string{"fail-fast", "continue", "skip-failed"}
	progressNames  = []string{"auto", "live", "plain", "off"}
)

// common adds the flags that all commands which run a pipeline have.
func (rf *runFlags) common(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&rf.targets, "target", nil, "run only what these outputs need")
	name(cmd.Flags(), "target", "OUTPUTS")
	cmd.Flags().DurationVar(&rf.timeout, "timeout", 0, "cancel after this time (0 is no limit)")
}

// run runs a pipeline.
func (c *call) run() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "runs a pipeline and prints its results",
		Long: `Results go to the standard output, progress and errors to the standard error.
Ctrl-C cancels the run and shows what was finished; a second one quits at once.`,
	}
	return c.eachFlow(cmd, func(cmd *cobra.Command, f *flow) {
		rf := new(runFlags)
		rf.common(cmd)
		flags := cmd.Flags()
		flags.IntVar(&rf.parallel, "max-parallel", 0, "how many tasks run at once (0 is no limit)")
		flags.StringVar(&rf.onError, "on-error", "fail-fast", "what a failed task does to the others: fail-fast, continue or skip-failed")
		name(flags, "on-error", "MODE")
		flags.BoolVar(&rf.json, "json", false, "write all outputs and the report as JSON")
		flags.StringVar(&rf.progress, "progress", "auto", "how progress is shown: live, plain lines or off; auto is live on a terminal, else plain")
		name(flags, "progress", "HOW")
		rf.files.flags(cmd)
		flags.StringVar(&rf.expect, "expect", "", "the JSON report of an earlier run, whose times make the expected time known")
		name(flags, "expect", "FILE")
		g := c.inputFlags(cmd, f)
		complete(cmd, f)
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.runFlow(cmd, f, g, rf) }
	})
}

func (c *call) runFlow(cmd *cobra.Command, f *flow, g *given, rf *runFlags) error {
	if err := rf.check(cmd); err != nil {
		return err
	}
	graph, err := f.needed(cmd, rf.targets)
	if err != nil {
		return err
	}
	in, err := g.values(cmd.Context(), c, cmd, graph)
	if err != nil {
		return err
	}
	past := history{}
	if rf.expect != "" {
		if past, err = readHistory(rf.expect); err != nil {
			return wrong(cmd, "--expect: %v", err)
		}
	}
	ctx, cancel := rf.context(cmd.Context())
	defer cancel()
	opts := append(rf.options(), runnel.OnError(errorModes[rf.onError]))
	if cmd.Flags().Changed("max-parallel") {
		opts = append(opts, runnel.MaxParallel(rf.parallel))
	}
	observe, finish := c.follow(ctx, rf, graph, past)
	if observe != nil {
		opts = append(opts, runnel.Observe(observe))
	}
	res, err := f.p.Run(ctx, in, opts...)
	finish()
	if res == nil {
		if refused := f.refused(cmd, err); refused != nil {
			return refused
		}
		return err
	}
	failed := rf.files.write(graph, res.Report())
	c.conclude(ctx, graph, rf, res, err)
	if failed != nil {
		c.say("%v", failed)
	}
	if code := exitOf(ctx, err); code != ExitOK {
		return status(code)
	}
	if failed != nil {
		return status(ExitFailed)
	}
	return nil
}

// check refuses values of flags that mean nothing.
func (rf *runFlags) check(cmd *cobra.Command) error {
	if _, ok := errorModes[rf.onError]; !ok {
		return wrong(cmd, "--on-error %s is unknown%s; there are %s", quote(rf.onError), near(rf.onError, errorModeNames), listed(errorModeNames))
	}
	if !contains(progressNames, rf.progress) {
		return wrong(cmd, "--progress %s is unknown%s; there are %s", quote(rf.progress), near(rf.progress, progressNames), listed(progressNames))
	}
	if rf.timeout < 0 {
		return wrong(cmd, "--timeout must be 0 or more, got %s", rf.timeout)
	}
	return rf.files.check(cmd)
}

// context bounds a run by --timeout.
func (rf *runFlags) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if rf.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, rf.timeout, fmt.Errorf("--timeout %s is over: %w", rf.timeout, context.DeadlineExceeded))
}

func (rf *runFlags) options() []runnel.RunOption {
	if len(rf.targets) == 0 {
		return nil
	}
	return []runnel.RunOption{runnel.Targets(rf.targets...)}
}

// follow shows the progress of a run. finish has to be called at its end.
func (c *call) follow(ctx context.Context, rf *runFlags, graph *dag.Graph, past history) (observe runnel.Observer, finish func()) {
	t, isTerminal := terminalOf(c.Err)
	how := rf.progress
	if how == "auto" && isTerminal {
		how = "live"
	}
	p := newProgress(graph, time.Now())
	switch how {
	case "off":
		return nil, func() {}
	case "live":
		if !isTerminal {
			t = terminal{w: c.Err, fd: -1}
		}
		l := &live{terminal: t, p: p, graph: graph, history: past, slots: rf.parallel, color: colored()}
		l.start()
		stopped := context.AfterFunc(ctx, p.stop)
		return p.observe, func() { stopped(); l.finish() }
	}
	p.told = plainLines(c.Err)
	stopped := context.AfterFunc(ctx, func() {
		p.mu.Lock() // no lines at the same time
		defer p.mu.Unlock()
		if !p.over {
			c.say("%s", stopping)
		}
	})
	return p.observe, func() { stopped() }
}

// conclude shows what a run has produced, and what it has not.
func (c *call) conclude(ctx context.Context, graph *dag.Graph, rf *runFlags, res *runnel.Result, err error) {
	switch {
	case rf.json:
		if err := writeJSON(c.Out, resultJSON(res)); err != nil {
			c.say("%v", err)
		}
	default:
		writeResults(c.Out, res.Outputs(), results(graph, rf.targets))
	}
	if err == nil {
		return
	}
	if e, ok := errors.AsType[*runnel.RunError](err); ok && e.Cause != nil {
		c.say("the run was cancelled: %v", e.Cause)
		for _, t := range e.Tasks {
			c.say("%v", t)
		}
		fmt.Fprint(c.Err, res.Report())
		return
	}
	c.say("%v", err)
}

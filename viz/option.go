package viz

import "github.com/runnelflow/runnel"

// An Option sets something about any picture of a graph.
type Option interface {
	TextOption
	apply(*config)
}

// A TextOption sets something about [Text]. Every [Option] is one.
type TextOption interface{ applyText(*textConfig) }

// config is what options say.
type config struct {
	report   *runnel.Report
	above    int
	collapse map[string]bool // paths, joined by slashes; "" for all
}

// defaultGroupAbove is how many boxes a picture may have before alike ones are
// grouped.
const defaultGroupAbove = 120

func configure(opts []Option) *config {
	c := &config{above: defaultGroupAbove}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	return c
}

type option func(*config)

func (o option) apply(c *config)         { o(c) }
func (o option) applyText(c *textConfig) { o(&c.config) }

// WithReport shows a run of the graph: the state of each task by colour and by a
// sign, its duration and attempts, and the tasks of [runnel.Report.CriticalPath].
// Tasks that the report does not know are drawn as pending. A nil report is none.
func WithReport(r *runnel.Report) Option { return option(func(c *config) { c.report = r }) }

// GroupAbove says from how many tasks on those that are alike are drawn as one,
// with how many they are: tasks whose neighbours are alike too, as in a hundred
// branches of one form. The default is 120; 0 never groups.
func GroupAbove(tasks int) Option { return option(func(c *config) { c.above = max(0, tasks) }) }

// Collapse draws nested pipelines as one box each: those with the given paths, as in
// "report" or "report/chapter", or all when none is given. A path that the graph
// has not changes nothing.
func Collapse(paths ...string) Option {
	return option(func(c *config) {
		if c.collapse == nil {
			c.collapse = map[string]bool{}
		}
		for _, p := range paths {
			c.collapse[p] = true
		}
		if len(paths) == 0 {
			c.collapse[""] = true
		}
	})
}

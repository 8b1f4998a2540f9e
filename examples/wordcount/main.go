// Command wordcount counts the words of a text: all of them in a stream, and those
// of its parts in a graph.
//
//	go run ./examples/wordcount                 Newton's Opticks, which comes with it
//	go run ./examples/wordcount one.txt two.txt your own files, each of them a part
//
// The stream (stream.go) reads line by line and holds no more of the text than the
// lines under way. It suits what one pass can answer. The graph (graph.go) first
// counts each part, then the whole, and goes back to the parts with what the whole
// has: which words are typical of a part.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"

	"github.com/runnelflow/runnel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	out := bufio.NewWriter(os.Stdout)
	err := run(ctx, os.Args[1:], out)
	out.Flush()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, paths []string, stdout io.Writer) error {
	src := shipped()
	if len(paths) > 0 {
		src = onDisk(paths)
	}
	tally, err := count(ctx, src.lines())
	if err = src.failed(err); err != nil {
		return err
	}
	printTally(stdout, tally)

	p, err := newPipeline()
	if err != nil {
		return err
	}
	res, err := p.Run(ctx, runnel.Values{"parts": src.parts()})
	if err = src.failed(err); err != nil {
		return err
	}
	typical, err := Typical.Get(res) // a []Profile, in the order of the parts
	if err != nil {
		return err
	}
	printProfiles(stdout, typical)
	return nil
}

func printTally(w io.Writer, t Tally) {
	fmt.Fprintf(w, "%d lines, %d words, %d of them different\n\n", t.Lines, t.Words, len(t.Counts))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, word := range t.Counts.top(10) {
		fmt.Fprintf(table, "%d\t%s\t%d\t\n", i+1, word, t.Counts[word])
	}
	table.Flush()
	fmt.Fprintf(w, "\nNew words in each %d: %s\n", growthStep, strings.Trim(fmt.Sprint(t.Growth), "[]"))
}

func printProfiles(w io.Writer, all []Profile) {
	fmt.Fprint(w, "\nTypical of each part:\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range all {
		fmt.Fprintf(table, "%s\t%d words\t%s\n", p.Part, p.Words, strings.Join(p.Typical, ", "))
	}
	table.Flush()
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// tool is what all commands share: where the server is, and how to write.
type tool struct {
	out       io.Writer
	server    string
	namespace string
	creds     string
	ca        []string
	cert, key string
	timeout   time.Duration
	json      bool
}

func (t *tool) addFlags(f *pflag.FlagSet) {
	server := os.Getenv("NATS_URL")
	if server == "" {
		server = nats.DefaultURL
	}
	f.StringVar(&t.server, "server", server, "`URL` of the NATS server, several with commas; NATS_URL sets it too")
	f.Lookup("server").DefValue = nats.DefaultURL
	f.StringVar(&t.namespace, "namespace", "runnel", "of the streams, as the option Namespace says in programs")
	f.StringVar(&t.creds, "creds", "", "`file` with credentials")
	f.StringSliceVar(&t.ca, "tls-ca", nil, "`file` with the certificate of the authority that signed the server's")
	f.StringVar(&t.cert, "tls-cert", "", "`file` with a client certificate")
	f.StringVar(&t.key, "tls-key", "", "`file` with its key")
	f.DurationVar(&t.timeout, "timeout", 20*time.Second, "how long to wait for the server")
	f.BoolVar(&t.json, "json", false, "write JSON")
}

// with calls do with a broker, which leaves the streams as they are.
func (t *tool) with(cmd *cobra.Command, do func(context.Context, *natsbroker.Broker) error) error {
	opts, err := t.connection(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), t.timeout, fmt.Errorf("the server did not answer within %v: see --timeout", t.timeout))
	defer cancel()
	b, err := natsbroker.Connect(ctx, t.server, natsbroker.Namespace(t.namespace), natsbroker.AsFound(), natsbroker.Connection(opts...))
	if err != nil {
		return err
	}
	defer b.Close()
	return do(ctx, b)
}

// connection are the options that the flags say.
func (t *tool) connection(cmd *cobra.Command) ([]nats.Option, error) {
	opts := []nats.Option{nats.Name("runnel " + cmd.Name()), nats.Timeout(min(t.timeout, 5*time.Second))}
	if t.creds != "" {
		opts = append(opts, nats.UserCredentials(t.creds))
	}
	if len(t.ca) > 0 {
		opts = append(opts, nats.RootCAs(t.ca...))
	}
	switch {
	case t.cert != "" && t.key != "":
		opts = append(opts, nats.ClientCert(t.cert, t.key))
	case t.cert != "" || t.key != "":
		return nil, wrong(cmd, "--tls-cert and --tls-key belong together")
	}
	return opts, nil
}

// first returns what a call that follows something hands over first.
func first[T any](ctx context.Context, follow func(context.Context, func([]T)) error) ([]T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var got []T
	err := follow(ctx, func(all []T) {
		if context.Cause(ctx) == nil {
			got = all
			cancel(errEnough)
		}
	})
	if errors.Is(err, errEnough) {
		return got, nil
	}
	return nil, err
}

var errEnough = errors.New("enough")

// writeJSON writes a value for programs.
func (t *tool) writeJSON(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table aligns columns. What it is given may come from anywhere.
type table struct {
	out  io.Writer
	rows [][]string
}

func (t *tool) table(cells ...string) *table {
	tab := &table{out: t.out}
	tab.row(cells...)
	return tab
}

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// flush writes the rows, without spaces at the ends of lines.
func (t *table) flush() error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+3))
		}
		if _, err := fmt.Fprintln(t.out, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// clean replaces what could break a line or steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

// when writes a time for people, nothing for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// jsonTime is a time for programs, nil for none.
func jsonTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// TestMain is also the tool and a worker, as processes of their own.
func TestMain(m *testing.M) {
	switch os.Getenv("RUNNEL_TEST_ROLE") {
	case "tool":
		main()
	case "worker":
		if err := workerProcess(os.Getenv("NATS_URL")); err != nil {
			log.Fatal(err)
		}
		return
	}
	flag.Parse()
	goleak.VerifyTestMain(m)
}

const lease = 500 * time.Millisecond

// The pipeline of the tests. Its last task ends the process of its worker, unless a
// file says that it is mended.
var (
	lengths = runnel.NewMapTask("lengths[i]", func(_ context.Context, in struct {
		Word string `runnel:"words[i]"`
	}) (int, error) {
		return len(in.Word), nil
	})
	total  = runnel.Fold("total", "lengths", 0, func(_ context.Context, sum, n int) (int, error) { return sum + n, nil })
	poison = runnel.NewTask("poison", func(_ context.Context, in struct {
		Total int
		Mend  string
	}) (int, error) {
		if _, err := os.Stat(in.Mend); err != nil {
			os.Exit(3)
		}
		return in.Total, nil
	}, runnel.Queue("risky"), runnel.Priority(-1))
)

func pipeline() *runnel.Pipeline {
	return runnel.NewPipeline(runnel.PipelineName("report")).Add(lengths, total, poison)
}

func workerProcess(url string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, err := natsbroker.Connect(ctx, url, natsbroker.Lease(lease), natsbroker.MaxDeliveries(2))
	if err != nil {
		return err
	}
	defer b.Close()
	return runnel.NewWorker(b, poison, runnel.Concurrency(1)).Run(ctx)
}

// process starts this binary in another role.
func process(t *testing.T, role, url string, out io.Writer, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "RUNNEL_TEST_ROLE="+role, "NATS_URL="+url)
	c.Stdout, c.Stderr = out, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c
}

// startServer is a server of the namespace's settings.
func startServer(t *testing.T) string {
	t.Helper()
	b, err := natsbroker.Embedded(t.Context(), t.TempDir(), natsbroker.Listen("127.0.0.1:0"), natsbroker.Lease(lease), natsbroker.MaxDeliveries(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.URL()
}

// said is what the tool says, as a terminal would show it.
func said(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := call(t.Context(), args, &out, &errs)
	text := out.String() + errs.String()
	if code != exitOK {
		text += fmt.Sprintf("exit status %d\n", code)
	}
	return text
}

// What differs from call to call, and what stands for it.
var differing = []struct {
	is *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "2026-01-02T03:04:05Z"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "2026-01-02 03:04:05"},
	{regexp.MustCompile(`nats://127\.0\.0\.1:\d+`), "nats://127.0.0.1:4222"},
	{regexp.MustCompile(`"scheduler": "[0-9a-f]{16}"`), `"scheduler": "0123456789abcdef"`},
	{regexp.MustCompile(`(\S) {3,}`), "$1   "}, // columns are as wide as names are long
}

func same(text string) string {
	host, _ := os.Hostname()
	worker := regexp.MustCompile(regexp.QuoteMeta(host) + `-\d+-[0-9a-f]{8}`)
	text = worker.ReplaceAllString(text, "host-1234-0123abcd")
	for _, d := range differing {
		text = d.is.ReplaceAllString(text, d.as)
	}
	text = strings.ReplaceAll(text, `"host": "`+host+`"`, `"host": "host"`)
	return strings.ReplaceAll(text, "   "+host+"   ", "   host   ")
}

// TestTablesAreAligned, also where a cell has other letters, or none.
func TestTablesAreAligned(t *testing.T) {
	var b strings.Builder
	tab := (&tool{out: &b}).table("NAME", "N", "TEXT")
	tab.row("größer", "1", "a\x1b[2Jb\nc")
	tab.row("x", "1000", "")
	if err := tab.flush(); err != nil {
		t.Fatal(err)
	}
	if want := "NAME     N      TEXT\ngrößer   1      a [2Jb c\nx        1000\n"; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// transcript says each line to the tool.
func transcript(t *testing.T, url string, lines ...string) string {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		args := strings.Fields(line)
		fmt.Fprintf(&b, "$ runnel %s\n%s\n", line, said(t, append(args, "--server", url)...))
	}
	return same(b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s\n%s", got, path, want)
	}
}

// TestHelp is what people read, and what wrong calls are told.
func TestHelp(t *testing.T) {
	t.Setenv("NATS_URL", "")
	var b strings.Builder
	for _, line := range []string{"--help", "dev --help", "workers --help", "queues --help", "dead --help", "dead show --help", "dead retry --help", "runs --help", "runs list --help", "runs show --help", "runs cancel --help", "runs retry --help", "schedules --help", "schedules list --help", "schedules show --help", "schedules pause --help", "schedules resume --help", "schedules trigger --help", "schedules remove --help", "purge --help"} {
		text, _, _ := strings.Cut(said(t, strings.Fields(line)...), "\nGlobal Flags:")
		fmt.Fprintf(&b, "$ runnel %s\n%s\n", line, text)
	}
	golden(t, "help", b.String())
	b.Reset()
	for _, line := range []string{"wokers", "runs lst", "workers --jsno", "workers me", "dead show", "runs show a b", "schedules show", "purge", "purge --run a --all", "workers --tls-cert a", "dev --listen here", "workers --server nats://127.0.0.1:1", "workers --timeout soon"} {
		fmt.Fprintf(&b, "$ runnel %s\n%s\n", line, said(t, strings.Fields(line)...))
	}
	golden(t, "wrong", b.String())
}

package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// dev is a server for one machine.
func (t *tool) dev() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Runs a NATS server with its files in a folder, on this machine only",
		Long: `Runs a NATS server with its files in a folder, until it is interrupted or told to
terminate. It is reached from this machine only unless --listen names another
address, and whoever reaches it can use it. The files stay: started again, it has
every run, result and job that it had.`,
		Args: noArguments,
	}
	dir := cmd.Flags().String("dir", "runnel-data", "`folder` of its files")
	listen := cmd.Flags().String("listen", "127.0.0.1:4222", "`address` and port; port 0 is any free one")
	always := cmd.Flags().Bool("sync-always", false, "sync the files before each acknowledgement: slower, and a power cut loses nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		opts := []natsbroker.Option{natsbroker.Namespace(t.namespace), natsbroker.Listen(*listen)}
		if *always {
			opts = append(opts, natsbroker.SyncAlways())
		}
		folder, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		b, err := natsbroker.Embedded(cmd.Context(), folder, opts...)
		if err != nil {
			return err
		}
		url := b.URL()
		at := ""
		if url != "nats://127.0.0.1:4222" {
			at = " --server " + url
		}
		if t.namespace != "runnel" {
			at += " --namespace " + t.namespace
		}
		if t.json {
			err = t.writeJSON(map[string]string{"url": url, "folder": folder, "namespace": t.namespace})
		} else {
			_, err = fmt.Fprintf(t.out, `a NATS server listens at %s, with its files in %s
in programs    natsbroker.Connect(ctx, %q)
who is there   runnel workers%s
what waits     runnel queues%s
what runs      runnel runs list%s
it ends with Ctrl-C
`, url, folder, url, at, at, at)
		}
		if err == nil {
			<-cmd.Context().Done()
		}
		b.Close()
		return err
	}
	return cmd
}

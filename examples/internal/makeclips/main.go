// Command makeclips writes the clips that the example ships with into the folder
// named by its argument.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: makeclips folder")
		os.Exit(2)
	}
	for _, c := range synth.Shipped {
		if err := write(filepath.Join(os.Args[1], c.File), c.Song); err != nil {
			fmt.Fprintln(os.Stderr, "makeclips:", err)
			os.Exit(1)
		}
	}
}

func write(path string, song synth.Song) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := wavfile.Encode(f, song.Samples(), song.Rate); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

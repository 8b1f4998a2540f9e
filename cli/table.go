package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// table aligns columns, as wide as they look, without spaces at the ends of
// lines.
type table struct {
	w    io.Writer
	gap  int
	rows [][]string
}

func newTable(w io.Writer, gap int) *table { return &table{w: w, gap: gap} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// flush writes the rows and empties the table.
func (t *table) flush() error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], displaywidth.String(cell))
		}
	}
	for _, row := range t.rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(pad(cell, widths[i]+t.gap))
		}
		if _, err := fmt.Fprintln(t.w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

// Package report prints what was measured as Markdown, and holds it against targets.
package report

import (
	"fmt"
	"strconv"
	"strings"
)

// A Table is Markdown; its first column is text, the others are numbers.
type Table struct {
	title   string
	columns []string
	rows    [][]string
}

// NewTable is a table without rows; its first column has no title.
func NewTable(title string, columns ...string) *Table {
	return &Table{title: title, columns: columns}
}

// Row adds a row.
func (t *Table) Row(name string, cells ...string) {
	t.rows = append(t.rows, append([]string{name}, cells...))
}

// Print writes it to the standard output.
func (t *Table) Print() {
	fmt.Printf("\n**%s**\n\n| | %s |\n|---|%s\n", t.title, strings.Join(t.columns, " | "), strings.Repeat("---:|", len(t.columns)))
	for _, r := range t.rows {
		fmt.Printf("| %s |\n", strings.Join(r, " | "))
	}
}

// Number has two significant digits at least, and no more decimals than that.
func Number(v float64) string {
	switch {
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v > 0 && v < 0.01:
		return strconv.FormatFloat(v, 'g', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// Ratio always has two decimals: it is read against bounds such as 1.0.
func Ratio(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

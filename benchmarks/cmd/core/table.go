package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A table is Markdown; its first column is text, the others are numbers.
type table struct {
	title   string
	columns []string
	rows    [][]string
}

func newTable(title string, columns ...string) *table {
	return &table{title: title, columns: columns}
}

func (t *table) row(name string, cells ...string) {
	t.rows = append(t.rows, append([]string{name}, cells...))
}

func (t *table) print() {
	fmt.Printf("\n**%s**\n\n| | %s |\n|---|%s\n", t.title, strings.Join(t.columns, " | "), strings.Repeat("---:|", len(t.columns)))
	for _, r := range t.rows {
		fmt.Printf("| %s |\n", strings.Join(r, " | "))
	}
}

// number has two significant digits at least, and no more decimals than that.
func number(v float64) string {
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

// ratio always has two decimals: it is read against bounds such as 1.0.
func ratio(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

package boxes

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "größe": 5, "大きさ": 6, "🎧": 2, "e\u0301": 1, "☕": 2, "│": 1} {
		if got := Columns(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}

// TestDrawShowsEveryBox: whole, below what it comes from, within the width, in any
// graph that is drawn.
func TestDrawShowsEveryBox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Graph
		n := rapid.IntRange(1, 14).Draw(t, "boxes")
		for k := range n {
			g.Boxes = append(g.Boxes, Box{Lines: []string{fmt.Sprintf("<%d>", k)}, Border: Border(rapid.IntRange(0, 3).Draw(t, "border"))})
			for from := range k {
				if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
					g.Edges = append(g.Edges, Edge{From: from, To: k})
				}
			}
		}
		text, ok := Draw(g, Style{Width: 120})
		if !ok {
			return
		}
		rows := make([]int, n)
		for row, line := range strings.Split(text, "\n") {
			if Columns(line) > 120 {
				t.Fatalf("a line has %d columns:\n%s", Columns(line), text)
			}
			for k := range n {
				if strings.Contains(line, fmt.Sprintf("│ <%d> ", k)) || strings.Contains(line, fmt.Sprintf("║ <%d> ", k)) {
					rows[k] = row
				}
			}
		}
		for k, row := range rows {
			if row == 0 {
				t.Fatalf("box %d is not whole:\n%s", k, text)
			}
		}
		for _, e := range g.Edges {
			if rows[e.From] >= rows[e.To] {
				t.Fatalf("box %d is not below box %d:\n%s", e.To, e.From, text)
			}
		}
	})
}

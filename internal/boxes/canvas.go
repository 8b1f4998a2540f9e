package boxes

import "strings"

// canvas is a grid of cells.
type canvas struct {
	w, h  int
	cells []cell
}

// cell has a text of one or two columns, or lines to its sides. The right half of
// a wide character is covered.
type cell struct {
	text    string
	color   string
	lines   uint8
	covered bool
}

// Sides of a cell that a line goes to.
const (
	up uint8 = 1 << iota
	down
	left
	right
)

// joints are the characters for lines, by their sides.
var joints = [16]string{" ", "│", "│", "│", "─", "┘", "┐", "┤", "─", "└", "┌", "├", "─", "┴", "┬", "┼"}

// Heads of edges.
const (
	heavyHead = "▼"
	lightHead = "▽"
)

// asciiOf has what stands for a character without Unicode.
var asciiOf = map[string]string{
	"│": "|", "─": "-", "┘": "+", "┐": "+", "┤": "+", "└": "+", "┌": "+", "├": "+", "┴": "+", "┬": "+", "┼": "+",
	"╭": ".", "╮": ".", "╰": "'", "╯": "'", "═": "=", "║": "|", "╔": "+", "╗": "+", "╚": "+", "╝": "+",
	heavyHead: "v", lightHead: "v",
}

// corners of borders, from the upper left in rows, then the sides.
var corners = map[Border][6]string{
	Plain:   {"┌", "┐", "└", "┘", "─", "│"},
	Stacked: {"┌", "┐", "└", "┘", "─", "│"},
	Rounded: {"╭", "╮", "╰", "╯", "─", "│"},
	Double:  {"╔", "╗", "╚", "╝", "═", "║"},
}

func newCanvas(w, h int) *canvas { return &canvas{w: w, h: h, cells: make([]cell, w*h)} }

func (c *canvas) at(x, y int) *cell {
	if x < 0 || x >= c.w || y < 0 || y >= c.h {
		return &cell{} // outside: drawn and forgotten
	}
	return &c.cells[y*c.w+x]
}

// down draws a line between two rows.
func (c *canvas) down(x, from, to int) {
	for y := from; y < to; y++ {
		c.at(x, y).lines |= down
		c.at(x, y+1).lines |= up
	}
}

// along draws a line between two columns.
func (c *canvas) along(y, from, to int) {
	for x := from; x < to; x++ {
		c.at(x, y).lines |= right
		c.at(x+1, y).lines |= left
	}
}

func (c *canvas) head(x, y int, text string) {
	if at := c.at(x, y); at.text != heavyHead {
		at.text = text
	}
}

// frame draws a box, empty inside.
func (c *canvas) frame(x, y, w, h int, b Border, color string) {
	t := corners[b]
	for j := range h {
		for i := range w {
			text := " "
			switch {
			case j == 0 && i == 0:
				text = t[0]
			case j == 0 && i == w-1:
				text = t[1]
			case j == h-1 && i == 0:
				text = t[2]
			case j == h-1 && i == w-1:
				text = t[3]
			case j == 0 || j == h-1:
				text = t[4]
			case i == 0 || i == w-1:
				text = t[5]
			}
			*c.at(x+i, y+j) = cell{text: text, color: color}
		}
	}
}

// write sets a text of one line.
func (c *canvas) write(x, y int, s, color string) {
	for _, r := range s {
		switch RuneColumns(r) {
		case 0:
			c.at(x-1, y).text += string(r)
		case 1:
			*c.at(x, y) = cell{text: string(r), color: color}
			x++
		case 2:
			*c.at(x, y) = cell{text: string(r), color: color}
			*c.at(x+1, y) = cell{covered: true}
			x += 2
		}
	}
}

// text is the canvas as lines, without spaces at their ends.
func (c *canvas) text(s Style) string {
	var out strings.Builder
	for y := range c.h {
		row := c.cells[y*c.w : (y+1)*c.w]
		last := len(row)
		for last > 0 && !row[last-1].covered && (row[last-1].text == "" && row[last-1].lines == 0 || row[last-1].text == " ") {
			last--
		}
		color := ""
		for k := range row[:last] {
			x := &row[k]
			if x.covered {
				continue
			}
			if s.Color && x.color != color {
				out.WriteString("\x1b[" + x.color + "m") // no parameter: back to normal
				color = x.color
			}
			text := x.text
			if text == "" {
				text = joints[x.lines]
			}
			if plain, ok := asciiOf[text]; ok && s.ASCII {
				text = plain
			}
			out.WriteString(text)
		}
		if color != "" {
			out.WriteString("\x1b[m")
		}
		out.WriteByte('\n')
	}
	return out.String()
}

package gcloud

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// usualPad is the space between the columns of a table without a box.
const usualPad = 2

// table is what is printed as one: text in columns.
type table struct {
	format
	// headings is nil where there are none.
	headings []string
	rows     [][]string
	widths   []int
}

// table prints rows in order of the columns that say so, without the optional columns that have nothing.
func (f format) table(w io.Writer, headings []string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	f.order(rows)
	t := table{format: f, headings: headings, rows: rows}
	if !f.headed() {
		t.headings = nil
	}
	t.leaveOut()
	if len(t.columns) == 0 {
		return nil
	}
	t.measure()
	_, boxed := f.attributes[attributeBox]
	_, all := f.attributes[attributeAllBox]
	var out strings.Builder
	if boxed || all {
		t.box(&out, all)
	} else {
		t.plain(&out)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// order sorts rows by the columns with :sort=N, by the lowest N first.
func (f format) order(rows [][]string) {
	var keys []int
	for i, c := range f.columns {
		if c.sort > 0 {
			keys = append(keys, i)
		}
	}
	slices.SortStableFunc(keys, func(a, b int) int { return cmp.Compare(f.columns[a].sort, f.columns[b].sort) })
	slices.SortStableFunc(rows, func(a, b []string) int {
		for _, i := range keys {
			order := compare(a[i], b[i])
			if f.columns[i].reverse {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}

// leaveOut takes away the optional columns that have nothing.
func (t *table) leaveOut() {
	kept := make([]bool, len(t.columns))
	for i, c := range t.columns {
		kept[i] = !c.optional || slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" })
	}
	t.headings = only(t.headings, kept)
	t.columns = only(t.columns, kept)
	for i := range t.rows {
		t.rows[i] = only(t.rows[i], kept)
	}
}

func only[T any](all []T, kept []bool) []T {
	var out []T
	for i, one := range all {
		if kept[i] {
			out = append(out, one)
		}
	}
	return out
}

func (t *table) measure() {
	t.widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		t.widths[i] = c.width
		for _, row := range t.rows {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(row[i]))
		}
		if t.headings != nil {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(t.headings[i]))
		}
	}
	// A title that is wider than the table makes each column wider.
	total := 0
	for _, width := range t.widths {
		total += width
	}
	if title := utf8.RuneCountInString(t.attributes[attributeTitle]); title > total {
		for i := range t.widths {
			t.widths[i] += (title + len(t.widths) - 1) / len(t.widths)
		}
	}
}

// plain has columns side by side, and nothing at the ends of lines.
func (t *table) plain(out *strings.Builder) {
	pad := usualPad
	if n, err := strconv.Atoi(t.attributes[attributePad]); err == nil {
		pad = n
	}
	if title := t.attributes[attributeTitle]; title != "" {
		width := pad * (len(t.widths) - 1)
		for _, w := range t.widths {
			width += w
		}
		fmt.Fprintln(out, strings.TrimRight(aligned(title, width, alignCenter), " "))
	}
	rows := t.rows
	if t.headings != nil {
		rows = append([][]string{t.headings}, rows...)
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = aligned(cell, t.widths[i], t.columns[i].align)
		}
		fmt.Fprintln(out, strings.TrimRight(strings.Join(cells, strings.Repeat(" ", pad)), " "))
	}
}

// box draws lines around the table and its columns, and between all rows if that is wanted.
func (t *table) box(out *strings.Builder, all bool) {
	top := "┌┬┐"
	if title := t.attributes[attributeTitle]; title != "" {
		t.rule(out, "┌─┐")
		width := 3*len(t.widths) - 1
		for _, w := range t.widths {
			width += w
		}
		fmt.Fprintln(out, "│"+aligned(title, width, alignCenter)+"│")
		top = "├┬┤"
	}
	t.rule(out, top)
	if t.headings != nil {
		t.line(out, t.headings, func(int) string { return alignCenter })
		t.rule(out, "├┼┤")
	}
	for i, row := range t.rows {
		if i > 0 && all {
			t.rule(out, "├┼┤")
		}
		t.line(out, row, func(column int) string { return t.columns[column].align })
	}
	t.rule(out, "└┴┘")
}

// rule draws a line from the first of three corners to the last, with the middle one between columns.
func (t *table) rule(out *strings.Builder, corners string) {
	c := []rune(corners)
	out.WriteRune(c[0])
	for i, width := range t.widths {
		if i > 0 {
			out.WriteRune(c[1])
		}
		out.WriteString(strings.Repeat("─", width+2))
	}
	out.WriteRune(c[2])
	out.WriteByte('\n')
}

func (t *table) line(out *strings.Builder, row []string, align func(column int) string) {
	for i, cell := range row {
		out.WriteString("│ " + aligned(cell, t.widths[i], align(i)) + " ")
	}
	out.WriteString("│\n")
}

// The alignments of columns.
const (
	alignLeft   = "left"
	alignCenter = "center"
	alignRight  = "right"
)

// aligned fills a cell up.
func aligned(cell string, width int, align string) string {
	room := max(0, width-utf8.RuneCountInString(cell))
	left := 0
	switch align {
	case alignRight:
		left = room
	case alignCenter:
		left = room/2 + room&width&1 // as Python's str.center
	}
	return strings.Repeat(" ", left) + cell + strings.Repeat(" ", room-left)
}

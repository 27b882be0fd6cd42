package main

import (
	"fmt"
	"io"
	"strings"
)

// summary collects the cases of a run for one table of each kind, ready for docs/performance.md.
type summary struct {
	cpu, memory, latency []summaryRow
}

type summaryRow struct {
	benchCase
	field []*contestant
}

func (s *summary) add(c benchCase, field []*contestant) {
	row := summaryRow{c, field}
	if c.kind == idle {
		s.memory = append(s.memory, row)
		return
	}
	s.cpu = append(s.cpu, row)
	if c.kind == fixedRate || !c.http2 {
		s.latency = append(s.latency, row)
	}
}

func (s *summary) print(w io.Writer, peers []peer) {
	fmt.Fprint(w, "# Summary\n\n")
	printCosts(w, "CPU us per request (handshake), and Spillway's ratio", "%.1f", s.cpu, peers)
	printCosts(w, "RSS, MiB, and Spillway's ratio", "%.0f", s.memory, peers)
	s.printLatency(w, peers)
}

// printCosts prints what a case costs each peer, and Spillway's cost as a ratio to the others'.
func printCosts(w io.Writer, title, format string, rows []summaryRow, peers []peer) {
	if len(rows) == 0 {
		return
	}
	columns := []string{title}
	for _, p := range peers {
		columns = append(columns, p.name)
	}
	for _, p := range peers {
		if p.name != "spillway" {
			columns = append(columns, "to "+p.name)
		}
	}
	printHead(w, columns)
	for _, row := range rows {
		ours, have := find(row.field, "spillway")
		cells := []string{row.label()}
		var ratios []string
		for _, p := range peers {
			cost := 0.0
			if m, ok := find(row.field, p.name); ok {
				cost = costOf(row.benchCase, m)
			}
			if p.name != "spillway" {
				ratios = append(ratios, ratio(have, costOf(row.benchCase, ours), cost))
			}
			if row.kind == idle {
				cost /= 1 << 20
			}
			cells = append(cells, number(cost, format))
		}
		printRow(w, append(cells, ratios...))
	}
	fmt.Fprintln(w)
}

func (s *summary) printLatency(w io.Writer, peers []peer) {
	if len(s.latency) == 0 {
		return
	}
	columns := []string{"Latency, ms: p50 / p99 / p99.9"}
	for _, p := range peers {
		columns = append(columns, p.name)
	}
	printHead(w, columns)
	for _, row := range s.latency {
		cells := []string{row.label()}
		for _, p := range peers {
			m, _ := find(row.field, p.name)
			cells = append(cells, millis(m.p50)+" / "+millis(m.p99)+" / "+millis(m.p9k))
		}
		printRow(w, cells)
	}
	fmt.Fprintln(w)
}

func (r summaryRow) label() string { return r.about + " (" + r.name + ")" }

func printHead(w io.Writer, columns []string) {
	printRow(w, columns)
	fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", len(columns)-1))
}

func printRow(w io.Writer, cells []string) {
	fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |")
}

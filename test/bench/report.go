package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// report prints one case: a row for each peer, medians of its rounds, and the ratio of Spillway to it.
func report(w io.Writer, c benchCase, field []*contestant) {
	fmt.Fprintf(w, "### %s: %s\n\n", c.name, c.about)
	unit := "request"
	if c.kind == handshakes {
		unit = "handshake"
	}
	fmt.Fprintf(w, "| proxy | CPU us/%s | %ss/s | p50 ms | p99 ms | p99.9 ms | RSS MiB | failed | spillway's CPU / this | its p99 / this |\n", unit, unit)
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	ours, haveOurs := find(field, "spillway")
	for _, one := range field {
		if len(one.samples) == 0 || one.problem != "" {
			fmt.Fprintf(w, "| %s | %s |||||||||\n", one.name, oneLine(one.problem))
			continue
		}
		m := medians(one.samples)
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %.0f | %d | %s | %s |\n", one.name,
			number(m.cpuMicros, "%.1f"), number(m.perSecond, "%.0f"), millis(m.p50), millis(m.p99), millis(m.p9k),
			float64(m.rss)/(1<<20), m.failures, ratio(haveOurs, costOf(c, ours), costOf(c, m)),
			ratio(haveOurs, float64(ours.p99), float64(m.p99)))
	}
	fmt.Fprintln(w)
}

// costOf is what a case compares: CPU, or memory.
func costOf(c benchCase, s sample) float64 {
	if c.kind == idle {
		return float64(s.rss)
	}
	return s.cpuMicros
}

func find(field []*contestant, name string) (sample, bool) {
	for _, one := range field {
		if one.name == name && len(one.samples) > 0 && one.problem == "" {
			return medians(one.samples), true
		}
	}
	return sample{}, false
}

func medians(all []sample) sample {
	failures := uint64(0)
	for _, s := range all {
		failures += s.failures
	}
	return sample{
		perSecond: median(all, func(s sample) float64 { return s.perSecond }),
		cpuMicros: median(all, func(s sample) float64 { return s.cpuMicros }),
		p50:       time.Duration(median(all, func(s sample) float64 { return float64(s.p50) })),
		p99:       time.Duration(median(all, func(s sample) float64 { return float64(s.p99) })),
		p9k:       time.Duration(median(all, func(s sample) float64 { return float64(s.p9k) })),
		rss:       int64(median(all, func(s sample) float64 { return float64(s.rss) })),
		failures:  failures,
	}
}

func median(all []sample, of func(sample) float64) float64 {
	values := make([]float64, 0, len(all))
	for _, s := range all {
		values = append(values, of(s))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func ratio(have bool, a, b float64) string {
	if !have || a == 0 || b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func number(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func millis(d time.Duration) string {
	return number(float64(d)/float64(time.Millisecond), "%.2f")
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ReplaceAll(s[:min(len(s), 160)], "|", "/")
}

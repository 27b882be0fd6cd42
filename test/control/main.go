// Command control measures how long an edit of a route takes to show in answers, in directories of many routes.
//
// In: a spillway binary and the sizes. Out: a Markdown table with a row for each size and layout: the time and memory of
// the first load, and p50 and p99 from a file's change to the first request answered the new way, the 20 ms for which a
// file has to be stable included. Everything runs on loopback.
//
//	go run ./test/control -binary bin/spillway -routes 300,3000,30000 -edits 100
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/spillway", "the binary to measure")
	sizes := flag.String("routes", "300,3000,30000", "numbers of HTTPRoutes")
	layouts := flag.String("layouts", "hosts,host,none", "hosts: 1,000 hosts; host: one host; none: no hostname")
	edits := flag.Int("edits", 60, "edits of each kind")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Println("| routes | layout | load s | KiB/route | edit p50/p99 ms | with churn p50/p99 ms | new backend p50/p99 ms | wrong answers |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, size := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			fail(fmt.Errorf("-routes: %w", err))
		}
		for _, layout := range strings.Split(*layouts, ",") {
			row, err := measure(ctx, *binary, n, layout, *edits)
			if err != nil {
				fail(err)
			}
			fmt.Println(row)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// row is the outcome of one size and layout.
type row struct {
	routes        int
	layout        string
	load          time.Duration
	bytesPerRoute int
	idle, churned quantiles
	unused        quantiles
	wrong         int64
}

func (r row) String() string {
	return fmt.Sprintf("| %d | %s | %.1f | %.1f | %s | %s | %s | %d |", r.routes, r.layout, r.load.Seconds(),
		float64(r.bytesPerRoute)/1024, r.idle, r.churned, r.unused, r.wrong)
}

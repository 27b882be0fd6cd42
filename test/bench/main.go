package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	cases, peers string
	rounds       int
	window       time.Duration
	spillway     string
	envoy        string
	caddy        string
	profile      string
	baseline     string
	list         bool
}

func main() {
	if len(os.Args) > 1 {
		if serve, ok := roles[os.Args[1]]; ok {
			exitOn(serve(os.Args[2:]))
			return
		}
	}
	exitOn(run(parseFlags()))
}

// roles are what this binary does as a child process.
var roles = map[string]func(args []string) error{
	"backend":      serveBackend,
	"callout":      serveCallout,
	"reverseproxy": serveReverseProxy,
	"spin":         spin,
}

func parseFlags() options {
	var o options
	flag.StringVar(&o.cases, "cases", "h1-128", "comma-separated cases, or a prefix with *; see -list")
	flag.StringVar(&o.peers, "peers", "spillway,spillway-all,baseline,haproxy,nginx,envoy,nethttp,caddy", "comma-separated peers")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds of each case")
	seconds := flag.Float64("seconds", 3, "seconds of one measurement")
	flag.StringVar(&o.spillway, "spillway", "bin/spillway", "the spillway binary")
	flag.StringVar(&o.envoy, "envoy", "bin/bench/envoy", "the envoy binary")
	flag.StringVar(&o.caddy, "caddy", "bin/bench/caddy", "the caddy binary")
	flag.StringVar(&o.baseline, "baseline", "", "another spillway binary to compare with, the peer \"baseline\"")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU profiles of Spillway, one for each case")
	flag.BoolVar(&o.list, "list", false, "list cases and peers")
	flag.Parse()
	o.window = time.Duration(*seconds * float64(time.Second))
	return o
}

func run(o options) error {
	if o.list || o.cases == "list" {
		for _, c := range cases {
			fmt.Printf("%-22s %s\n", c.name, c.about)
		}
		return nil
	}
	began := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	raiseFileLimit()
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp("", "spillway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	selected, err := selectCases(o.cases)
	if err != nil {
		return err
	}
	present := findPeers(o)
	fmt.Printf("Machine: %d CPUs, %s; Go %s; %s UTC; %d rounds of %v.\n\n",
		runtime.NumCPU(), cpuModel(), runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04"), o.rounds, o.window)
	fmt.Printf("%d cases; this takes about %v.\n\n", len(selected), estimate(o, selected, len(present)).Round(time.Minute))
	var all summary
	var failed error
	for _, c := range selected {
		field, c, err := runCase(ctx, o, c, present, work)
		if ctx.Err() != nil {
			failed = ctx.Err()
			break
		}
		if err != nil {
			failed = fmt.Errorf("case %s: %w", c.name, err)
			fmt.Printf("%v\n\n", failed)
			continue
		}
		all.add(c, field)
	}
	all.print(os.Stdout, present)
	fmt.Printf("The run took %v.\n", time.Since(began).Round(time.Second))
	return failed
}

// estimate is how long a run takes: besides the window there is a warm-up, connections to make, and peers to start.
func estimate(o options, selected []benchCase, peers int) time.Duration {
	var total time.Duration
	for _, c := range selected {
		one := o.window + 200*time.Millisecond
		if c.kind == saturate && !c.http2 {
			one += min(warmUp, o.window/2)
		}
		rounds := o.rounds
		if c.kind == idle {
			rounds = 1
		}
		total += time.Duration(peers) * (time.Duration(rounds)*one + 500*time.Millisecond)
	}
	return total
}

func selectCases(list string) ([]benchCase, error) {
	var out []benchCase
	for _, want := range strings.Split(list, ",") {
		prefix, wild := strings.CutSuffix(want, "*")
		found := false
		for _, c := range cases {
			if c.name == want || wild && strings.HasPrefix(c.name, prefix) {
				out, found = append(out, c), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no case %q; see -list", want)
		}
	}
	return out, nil
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

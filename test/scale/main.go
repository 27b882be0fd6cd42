package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// patience bounds the whole run.
const patience = 15 * time.Minute

func main() {
	var w world
	flag.IntVar(&w.clusters, "clusters", 100, "clusters, each of which exports ten Services")
	flag.IntVar(&w.regions, "regions", 20, "regions that they are in, with a proxy in each")
	flag.IntVar(&w.endpoints, "endpoints", 100_000, "endpoints of all clusters")
	flag.IntVar(&w.routes, "routes", 10_000, "HTTPRoutes of the config cluster")
	flag.IntVar(&w.nodes, "nodes", 10_000, "Nodes of all clusters")
	edits := flag.Int("edits", 300, "edits of a route, one after the other")
	rate := flag.Int("rate", 1000, "Pods a second that come or go")
	steady := flag.Duration("steady", 20*time.Second, "how long they do")
	of := flag.String("controller", "", "be the proxies of the controller at this address")
	var p profiles
	flag.StringVar(&p.cpu, "cpuprofile", "", "file for a CPU profile of everything")
	flag.StringVar(&p.heap, "memprofile", "", "file for a heap profile after the build")
	flag.Parse()
	if *of != "" {
		runProxies(*of, w.regions)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx, &w, *edits, *rate, *steady, p); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w *world, edits, rate int, steady time.Duration, p profiles) error {
	endProfile, err := p.startCPU()
	if err != nil {
		return err
	}
	defer endProfile()
	c, err := startController(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%d clusters in %d regions, %d endpoints, %d routes, %d Nodes; %d processors\n",
		w.clusters, w.regions, w.clusters*servicesOfCluster*w.slices()*sliceSize, w.routes, w.nodes, runtime.NumCPU())
	c.store.Commit(func(tx *store.Tx) { w.fill(tx) })
	empty := heap()
	fmt.Printf("objects in the store                  %10.0f MiB\n", empty)
	if err := build(ctx, c, w); err != nil {
		return err
	}
	fmt.Printf("with the model and statuses           %10.0f MiB\n", heap())
	if err := p.writeHeap(); err != nil {
		return err
	}
	if err := edit(ctx, c, w, edits); err != nil {
		return err
	}
	if err := change(ctx, c, w, rate, steady); err != nil {
		return err
	}
	beat(ctx, c, w)
	fmt.Printf("resources sent to each proxy          %10s\n", c.proxies.stop())
	return nil
}

// build measures the first round, to the last proxy.
func build(ctx context.Context, c *controller, w *world) (err error) {
	began := time.Now()
	go c.loop.Run(ctx)
	select {
	case <-c.model.made:
	case <-ctx.Done():
		return ctx.Err()
	}
	fmt.Printf("full build, to the transaction        %10.2f s\n", time.Since(began).Seconds())
	if c.proxies, err = startFleet(ctx, c.at, w.regions); err != nil {
		return err
	}
	if err := await(ctx, func() bool { return c.taken(w.regions) }); err != nil {
		return fmt.Errorf("the proxies never had everything: %w", err)
	}
	fmt.Printf("and until every proxy has it          %10.2f s\n", time.Since(began).Seconds())
	err = quiet(ctx, c, w)
	fmt.Printf("and until every status says so        %10.2f s, %.1f s of CPU\n", time.Since(began).Seconds(), cpu().Seconds())
	return err
}

// quiet waits until nothing has happened for a while, such as statuses of what was built.
func quiet(ctx context.Context, c *controller, w *world) error {
	for last := uint64(0); ; {
		revision := c.store.Snapshot().Revision()
		if revision == last && c.taken(w.regions) {
			return nil
		}
		last = revision
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}

// edit measures the time from an edit to the last proxy's word, and what it costs.
func edit(ctx context.Context, c *controller, w *world, edits int) error {
	var times []time.Duration
	before := cpu()
	for i := range edits {
		seq, began := c.model.seq.Load(), time.Now()
		c.store.Commit(func(tx *store.Tx) { tx.Put(clusterName(0), w.route(i*7%w.routes, i+1), "") })
		if err := await(ctx, func() bool { return c.model.seq.Load() > seq && c.taken(w.regions) }); err != nil {
			return err
		}
		times = append(times, time.Since(began))
		time.Sleep(20 * time.Millisecond) // edits come from people
	}
	slices.Sort(times)
	fmt.Printf("one edit to the last acknowledgement  %10.2f ms p50, %.2f p99, %.2f worst; %.2f ms of CPU each\n",
		ms(times[len(times)/2]), ms(times[len(times)*99/100]), ms(times[len(times)-1]), ms(cpu()-before)/float64(edits))
	return nil
}

// change measures the CPU of Pods that come and go, each in a commit of its own, as watches bring them.
func change(ctx context.Context, c *controller, w *world, rate int, steady time.Duration) error {
	before, seq, began := cpu(), c.model.seq.Load(), time.Now()
	n := 0
	for ; time.Since(began) < steady; n++ {
		cluster, s, at := n%w.clusters, n/w.clusters%servicesOfCluster, n%w.slices()
		c.store.Commit(func(tx *store.Tx) { w.replace(tx, cluster, s, at, n%sliceSize) })
		time.Sleep(time.Until(began.Add(time.Duration(n+1) * time.Second / time.Duration(rate))))
	}
	if err := await(ctx, func() bool { return c.taken(w.regions) }); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Printf("%6d Pods/s come or go                %10.2f processors, %.1f transactions/s\n",
		int(float64(n)/took.Seconds()), (cpu()-before).Seconds()/took.Seconds(), float64(c.model.seq.Load()-seq)/took.Seconds())
	return nil
}

// beat measures what a heartbeat of every Node costs.
func beat(ctx context.Context, c *controller, w *world) {
	_ = quiet(ctx, c, w)
	before, revision, seq := cpu(), c.store.Snapshot().Revision(), c.model.seq.Load()
	began := time.Now()
	for n := range w.nodes {
		c.store.Commit(func(tx *store.Tx) {
			cluster := n % w.clusters
			tx.Put(clusterName(cluster), w.node(cluster, n/w.clusters, created.Add(time.Hour)), "")
		})
	}
	fmt.Printf("a heartbeat of each of %d Nodes    %10.2f ms of CPU, %d transactions, %d revisions (in %v)\n",
		w.nodes, ms(cpu()-before), c.model.seq.Load()-seq, c.store.Snapshot().Revision()-revision, time.Since(began).Round(time.Millisecond))
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// heap is what is reachable, in MiB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// cpu is the process's time on processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

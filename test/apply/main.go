package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// patience bounds the whole run.
const patience = 10 * time.Minute

func main() {
	n := flag.Int("n", 50, "routes to create, one after the other")
	pause := flag.Duration("pause", 300*time.Millisecond, "between an answer and the next create, so that statuses are written meanwhile")
	name := flag.String("context", "gke-west-1", "of the kubeconfig")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx, *name, *n, *pause); err != nil {
		fmt.Fprintln(os.Stderr, "apply:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, n int, pause time.Duration) error {
	reach, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(),
		&clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
	if err != nil {
		return err
	}
	reach.QPS = -1 // the client's own limit is not what is measured
	client, err := dynamic.NewForConfig(reach)
	if err != nil {
		return err
	}
	b := &bench{routes: client.Resource(httpRoutes).Namespace(namespace)}
	if b.asker, err = newAsker(ctx, client); err != nil {
		return err
	}
	// The first routes wait for Pods, their first health checks and connections: they are not counted.
	const warm = 3
	var created, watched, served []time.Duration
	for i := range warm + n {
		t, err := b.route(ctx, fmt.Sprintf("route-%d", i))
		if err != nil {
			return err
		}
		if i >= warm {
			created, watched, served = append(created, t.created), append(watched, t.watched), append(served, t.served)
		}
		time.Sleep(pause)
	}
	fmt.Printf("%d HTTPRoutes, one after the other; ms from the create p50 / p99\n", n)
	fmt.Printf("create answered                %s\n", quantiles(created))
	fmt.Printf("told by a plain client's watch %s\n", quantiles(watched))
	fmt.Printf("first request served           %s\n", quantiles(served))
	fmt.Printf("other answers than 404 before  %d\n", b.asker.wrong)
	return nil
}

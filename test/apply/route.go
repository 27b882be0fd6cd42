package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

const namespace = "apply"

var httpRoutes = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}

// bench creates routes and waits for them.
type bench struct {
	routes dynamic.ResourceInterface
	asker  *asker
}

// times are those of one route, from just before its create was sent.
type times struct{ created, watched, served time.Duration }

// route measures one. The watch is there before, as a controller's is.
func (b *bench) route(ctx context.Context, name string) (t times, err error) {
	watching, err := b.routes.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return t, err
	}
	defer watching.Stop()
	host := name + ".example.com"
	if err := b.asker.absent(ctx, host); err != nil {
		return t, err
	}
	start := time.Now()
	watched, served := make(chan result, 1), make(chan result, 1)
	go func() { watched <- result{told(watching), time.Since(start)} }()
	go func() { served <- result{b.asker.until(ctx, host), time.Since(start)} }()
	_, err = b.routes.Create(ctx, routeOf(name, host), metav1.CreateOptions{})
	t.created = time.Since(start)
	if err != nil {
		return t, err
	}
	w, s := <-watched, <-served
	t.watched, t.served = w.after, s.after
	return t, errors.Join(w.err, s.err)
}

type result struct {
	err   error
	after time.Duration
}

// told returns when the watch tells of the route.
func told(watching watch.Interface) error {
	e, open := <-watching.ResultChan()
	if !open || e.Type != watch.Added {
		return fmt.Errorf("the watch ended, or tells something else: %v", e.Type)
	}
	return nil
}

func routeOf(name, host string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"hostnames":  []any{host},
			"parentRefs": []any{map[string]any{"name": "apply"}},
			"rules":      []any{map[string]any{"backendRefs": []any{map[string]any{"name": "whereami", "port": int64(8080)}}}},
		},
	}}
}

// quantiles is the median and the 99th percentile in milliseconds; of fewer than 100 the latter is the worst.
func quantiles(all []time.Duration) string {
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%6.1f / %6.1f", ms(all[len(all)/2]), ms(all[len(all)*99/100]))
}

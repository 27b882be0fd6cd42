package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var gateways = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"}

// interval is how often a route is asked for: the resolution of what is measured. More questions would take the processor from it.
const interval = 2 * time.Millisecond

// asker asks the Gateway for hosts over one keep-alive connection. It is used by one goroutine at a time.
type asker struct {
	url       string
	transport http.Transport
	wrong     int // answers other than 404 and 200
}

// newAsker waits until the Gateway has an address and answers there.
func newAsker(ctx context.Context, client dynamic.Interface) (*asker, error) {
	for ; ; time.Sleep(interval) {
		gateway, err := client.Resource(gateways).Namespace(namespace).Get(ctx, "apply", metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
		if address := addressOf(gateway); address != "" {
			a := &asker{url: "http://" + net.JoinHostPort(address, "80") + "/"}
			return a, a.answering(ctx)
		}
	}
}

func addressOf(gateway *unstructured.Unstructured) string {
	if gateway == nil {
		return ""
	}
	all, _, _ := unstructured.NestedSlice(gateway.Object, "status", "addresses")
	for _, a := range all {
		if address, ok := a.(map[string]any); ok {
			value, _ := address["value"].(string)
			return value
		}
	}
	return ""
}

// answering waits until the Gateway's listener is there.
func (a *asker) answering(ctx context.Context) error {
	for {
		_, err := a.ask(ctx, "nobody.example.com")
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(interval)
	}
}

// absent makes sure that a host is not served.
func (a *asker) absent(ctx context.Context, host string) error {
	status, err := a.ask(ctx, host)
	if err == nil && status != http.StatusNotFound {
		err = fmt.Errorf("%s answers %d before its route is there", host, status)
	}
	return err
}

// until returns when the host is served.
func (a *asker) until(ctx context.Context, host string) error {
	for {
		status, err := a.ask(ctx, host)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			return nil
		case status != http.StatusNotFound:
			a.wrong++
		}
		time.Sleep(interval)
	}
}

func (a *asker) ask(ctx context.Context, host string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return 0, err
	}
	req.Host = host
	res, err := a.transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

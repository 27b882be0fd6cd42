package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// client asks for routes over one keep-alive connection.
type client struct {
	url       string
	directory directory
	transport *http.Transport
}

func newClient(url string, d directory) *client {
	return &client{url: url, directory: d, transport: &http.Transport{MaxIdleConnsPerHost: 1}}
}

// seen is what an answer shows; version is -1 for an answer without one.
type seen struct{ status, version, backend int }

func (c *client) ask(ctx context.Context, route int) (seen, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/r%d", c.url, route), nil)
	if err != nil {
		return seen{}, err
	}
	req.Host = c.directory.host(route)
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return seen{}, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return seen{}, err
	}
	s := seen{status: res.StatusCode, version: -1}
	if v, err := strconv.Atoi(res.Header.Get("x-version")); err == nil {
		s.version = v
	}
	s.backend, _ = strconv.Atoi(res.Header.Get("x-backend"))
	return s, nil
}

// until asks for a route until the answer is the wanted one. Every other answer has to be the old one.
func (c *client) until(ctx context.Context, route int, old, want seen) (wrong int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		got, err := c.ask(ctx, route)
		if err != nil {
			return wrong, fmt.Errorf("route %d: wanted %+v, last answer %+v: %w", route, want, got, err)
		}
		if got == want {
			return wrong, nil
		}
		if got != old {
			wrong++
		}
		// One question in 0.2 ms leaves the processor to what is measured.
		time.Sleep(200 * time.Microsecond)
	}
}

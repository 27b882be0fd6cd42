package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// mirrors answers with what came, trailers too.
func mirrors(w http.ResponseWriter, r *http.Request) {
	p, _ := io.ReadAll(r.Body)
	w.Header().Set("Trailer", "X-Tail")
	w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
	w.WriteHeader(201)
	_, _ = w.Write(p)
	w.Header().Set("X-Tail", r.Trailer.Get("X-Tail"))
}

func question(c *Caller, v *balance.Service, body []byte, tail string) *Question {
	q := &Question{Version: v, Service: c.Service(material{}, v), Request: post(), Body: body, Limit: 4 << 20}
	if tail != "" {
		q.Trailers = &header.Map{}
		q.Request.Header.Add([]byte("trailer"), []byte("x-tail")) // net/http wants them announced
		q.Trailers.Add([]byte("x-tail"), []byte(tail))
	}
	return q
}

// An answer is whole, over both versions of HTTP, with bodies of any length and trailers.
func TestAsk(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(mirrors))
	t.Cleanup(plain.Close)
	for protocol, address := range map[lbv1.BackendProtocol]string{
		lbv1.BackendProtocol_HTTP: plain.Listener.Addr().String(), lbv1.BackendProtocol_H2C: h2c(t, mirrors),
	} {
		c := newCaller(t)
		v := newVersion(t, &lbv1.BackendService{Protocol: protocol}, address)
		for _, size := range []int{0, 1, 3 << 20} {
			for _, tail := range []string{"", "the end"} {
				body := bytes.Repeat([]byte("x"), size)
				r, err := c.Ask(t.Context(), question(c, v, body, tail))
				if err != nil {
					t.Fatalf("%s, %d bytes: %v", protocol, size, err)
				}
				length, _ := r.Header.GetName([]byte("x-length"))
				got, _ := r.Trailers.GetName([]byte("x-tail"))
				want := fmt.Sprint(size)
				if tail != "" {
					want = "-1"
				}
				if r.Status != 201 || !bytes.Equal(r.Body, body) || string(got) != tail || string(length) != want {
					t.Errorf("%s, %d bytes, trailer %q: %d, %d bytes, trailer %q, length %s", protocol, size, tail, r.Status, len(r.Body), got, length)
				}
			}
		}
	}
}

// Another endpoint is asked where one cannot be connected to; what is left has its cause.
func TestAskThatFails(t *testing.T) {
	c := newCaller(t)
	up := h2c(t, mirrors)
	v := newVersion(t, &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C}, dead(t), up)
	for range 4 {
		if _, err := c.Ask(t.Context(), question(c, v, nil, "")); err != nil {
			t.Error(err)
		}
	}
	asked := make(chan struct{}, 1)
	hangs := h2c(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	left, leave := context.WithCancel(t.Context())
	go func() {
		<-asked
		<-asked
		leave()
	}()
	for _, f := range []struct {
		name    string
		ctx     context.Context
		spec    *lbv1.BackendService
		address string
		body    int
		want    Cause
	}{
		{"late", soon, &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C}, hangs, 0, Timeout},
		{"left", left, &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C}, hangs, 0, Canceled},
		{"nobody", t.Context(), &lbv1.BackendService{}, dead(t), 0, Connect},
		{"another protocol", t.Context(), &lbv1.BackendService{}, hangs, 0, Protocol},
		{"too long", t.Context(), &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C}, up, 5 << 20, Protocol},
	} {
		t.Run(f.name, func(t *testing.T) {
			v := newVersion(t, f.spec, f.address)
			_, err := c.Ask(f.ctx, question(c, v, make([]byte, f.body), ""))
			var why *Failure
			if !errors.As(err, &why) || why.Cause != f.want || f.name == "too long" && !errors.Is(err, ErrLongReply) {
				t.Errorf("%v, want %s", err, f.want)
			}
			if !v.TryAcquire(balance.Requests) {
				t.Error("the place is not given back")
			}
		})
	}
	full := newVersion(t, &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C, Limits: &lbv1.CircuitLimits{MaxRequests: 1}}, up)
	if !full.TryAcquire(balance.Requests) {
		t.Fatal("no place")
	}
	var why *Failure
	if _, err := c.Ask(t.Context(), question(c, full, nil, "")); !errors.As(err, &why) || why.Cause != Overflow {
		t.Error(err)
	}
}

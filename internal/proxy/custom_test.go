package proxy_test

import (
	"fmt"
	"net/http"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// TestCustomHeaders: a backend service's headers replace what the client or the backend says, on HTTP/1 and HTTP/2 backends; what a
// route says about the same name holds; a mirror gets those of its own service and not the other's.
func TestCustomHeaders(t *testing.T) {
	for _, protocol := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_H2C} {
		t.Run(protocol.String(), func(t *testing.T) { customHeaders(t, protocol) })
	}
}

func customHeaders(t *testing.T, protocol lbv1.BackendProtocol) {
	seen, copied := make(chan http.Header, 1), make(chan http.Header, 1)
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		seen <- q.Header
		w.Header().Set("X-Answer", "backend")
		w.Header().Set("X-Route", "backend")
	})
	mirror := httpBackend(t, func(_ http.ResponseWriter, q *http.Request) { copied <- q.Header })
	r := newRig(t, []string{backend}, func(m *model) {
		m.addService("mirror", []string{mirror})
		m.route.Mirrors = []*lbv1.Mirror{{BackendService: "mirror"}}
		m.more[0].GetBackendService().CustomRequestHeaders = []*lbv1.Header{{Name: "X-Whose", Value: "mirror's"}}
		m.route.RequestHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "x-route", Value: "route"}}, Remove: []string{"X-Gone"}}
		m.route.ResponseHeaders = &lbv1.HeaderEdit{Add: []*lbv1.Header{{Name: "x-route", Value: "route"}}}
		m.service.Protocol = protocol
		m.service.CustomRequestHeaders = []*lbv1.Header{
			{Name: "X-Whose", Value: "service's"}, {Name: "X-Route", Value: "service"}, {Name: "x-gone", Value: "service"}, {Name: "X-Empty"},
		}
		m.service.CustomResponseHeaders = []*lbv1.Header{{Name: "X-Answer", Value: "service"}, {Name: "x-route", Value: "service"}}
	})
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\nX-Whose: client\r\nX-Whose: client again\r\nX-Gone: client\r\n\r\n")
	res, _ := c.answer(t, "GET")
	if got := res.Header.Values("X-Answer"); len(got) != 1 || got[0] != "service" {
		t.Errorf("x-answer %q", got)
	}
	if got := res.Header.Values("X-Route"); len(got) != 2 || got[0] != "backend" || got[1] != "route" {
		t.Errorf("x-route %q of the answer", got)
	}
	at := <-seen
	for name, want := range map[string]string{"X-Whose": "service's", "X-Route": "route", "X-Empty": ""} {
		if got := at[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := at["X-Gone"]; got != nil {
		t.Errorf("x-gone is %q", got)
	}
	copy := <-copied
	if got := copy["X-Whose"]; len(got) != 1 || got[0] != "mirror's" {
		t.Errorf("the mirror's x-whose is %q", got)
	}
	if got := copy["X-Empty"]; got != nil {
		t.Errorf("the mirror got a header of the other service: %q", got)
	}
}

// TestACopyKeepsItsOwnHeaders: what is filled in for a mirror is not the memory of an exchange, which others use while copies are
// on their way. With -tags poison a shared one shows at once.
func TestACopyKeepsItsOwnHeaders(t *testing.T) {
	const n = 200
	copied := make(chan http.Header, n)
	backend := httpBackend(t, func(http.ResponseWriter, *http.Request) {})
	mirror := httpBackend(t, func(_ http.ResponseWriter, q *http.Request) { copied <- q.Header })
	r := newRig(t, []string{backend}, func(m *model) {
		m.addService("mirror", []string{mirror})
		m.route.Mirrors = []*lbv1.Mirror{{BackendService: "mirror"}}
		m.more[0].GetBackendService().CustomRequestHeaders = []*lbv1.Header{{Name: "X-From", Value: "<{origin_request_header}>"}}
	})
	for i := range n {
		c := r.dial()
		c.say(fmt.Sprintf("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://%d.example\r\nConnection: close\r\n\r\n", i))
		c.answer(t, "GET")
		_ = c.Close()
	}
	for range n {
		h := <-copied
		if from, origin := h.Get("X-From"), h.Get("Origin"); from != "<"+origin+">" {
			t.Fatalf("a copy of the request from %q says %q", origin, from)
		}
	}
}

func TestCustomHeadersRefused(t *testing.T) {
	for want, list := range map[string][]*lbv1.Header{
		`[0].name: header "X-User-IP" is the load balancer's own`:                   {{Name: "X-User-IP", Value: "1"}},
		`[1].name: header "X-Goog-A" is the load balancer's own`:                    {{Name: "a"}, {Name: "X-Goog-A"}},
		`[1].name: header "A" is there twice`:                                       {{Name: "a"}, {Name: "A"}},
		`[0].name: no header can be called "a b"`:                                   {{Name: "a b"}},
		`[0].name: header "upgrade" belongs to the connection and cannot be edited`: {{Name: "Upgrade"}},
		`[0].value: the value "a\r\nb: c" has a control byte`:                       {{Name: "a", Value: "a\r\nb: c"}},
		`[0].name: a backend service does not change a request's host; a route can`: {{Name: "Host", Value: "a"}},
	} {
		err := config.CheckBackendService(&lbv1.BackendService{CustomRequestHeaders: list})
		if err == nil || err.Error() != "custom_request_headers"+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

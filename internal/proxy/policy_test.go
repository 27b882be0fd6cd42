package proxy_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestEditsRewritesAndCookies(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("X-Gone", "1")
		fmt.Fprintf(w, "%s %s %s %s", q.Host, q.URL.Path, q.Header.Get("X-Set"), q.Header.Get("X-Backend"))
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.route.Match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/old"}
		m.route.RequestHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "X-Set", Value: "s"}}, Remove: []string{"X-Client"}}
		m.route.ResponseHeaders = &lbv1.HeaderEdit{Remove: []string{"X-Gone"}, Add: []*lbv1.Header{{Name: "X-Answer", Value: "a"}}}
		m.route.UrlRewrite = &lbv1.UrlRewrite{Host: "new.example", Path: &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: "/new"}}
		m.route.GetForward().Backends[0].RequestHeaders = &lbv1.HeaderEdit{Add: []*lbv1.Header{{Name: "X-Backend", Value: "b"}}}
		m.service.SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_GENERATED_COOKIE}
	})
	res, body := r.get("/old/x")
	if body != "new.example /new/x s b" || res.Header.Get("X-Gone") != "" || res.Header.Get("X-Answer") != "a" {
		t.Errorf("%v %q", res.Header, body)
	}
	if len(res.Cookies()) != 1 {
		t.Errorf("cookies: %v", res.Cookies())
	}
}

func TestCORSPreflight(t *testing.T) {
	r := newRig(t, nil, func(m *model) {
		m.route.Cors = &lbv1.CorsPolicy{AllowOrigins: []string{"https://foo.example"}, AllowMethods: []string{"GET"}}
	})
	c := r.dial()
	c.say("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://foo.example\r\nAccess-Control-Request-Method: GET\r\n\r\n")
	res, _ := c.answer(t, "OPTIONS")
	if res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://foo.example" {
		t.Errorf("%v", res)
	}
}

// statusOf asks for a host on a TLS connection with a server name, or none.
func statusOf(t *testing.T, at, serverName, host string) int {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: serverName}}}
	defer c.CloseIdleConnections()
	q, _ := http.NewRequest("GET", "https://"+at+"/", nil)
	q.Host = host
	res, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func TestMisdirectedRequests(t *testing.T) {
	backend := httpBackend(t, echo)
	r := newRig(t, []string{backend}, func(m *model) {
		withTLS(t, m, "one.example", "two.example")
		m.urlMap.ListenerHosts = []string{"one.example", "two.example"}
		m.urlMap.DetectMisdirected = true
		m.route.ListenerHost, m.route.Host = "one.example", "one.example"
	})
	if got := statusOf(t, r.addr, "one.example", "one.example"); got != 200 {
		t.Errorf("right host: %d", got)
	}
	if got := statusOf(t, r.addr, "two.example", "one.example"); got != 421 {
		t.Errorf("wrong host: %d", got)
	}
}

// TestNobodyWalksPastClientValidation: a connection of another server name, or of none, carries no requests for a host whose
// clients have to show a certificate.
func TestNobodyWalksPastClientValidation(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, echo)}, func(m *model) {
		withTLS(t, m, "open.example")
		ca, _ := certificate(t, "ca.example")
		m.more = append(m.more, &lbv1.Resource{Name: "ca", Body: &lbv1.Resource_TrustConfig{TrustConfig: &lbv1.TrustConfig{
			CaPem: ca.GetCertificateChainPem(),
		}}})
		m.target.Tls.ServerNames = append(m.target.Tls.ServerNames, &lbv1.ServerName{
			Host: "closed.example", Certificates: []string{"cert"}, ClientValidation: &lbv1.ClientValidation{TrustConfigs: []string{"ca"}},
		})
	})
	for _, c := range []struct {
		serverName, host string
		want             int
	}{
		{"open.example", "open.example", 200},
		{"", "open.example", 200},
		{"", "anything", 200},
		{"open.example", "closed.example", 421},
		{"", "closed.example", 421},
		{"", "CLOSED.example.:8443", 421},
	} {
		if got := statusOf(t, r.addr, c.serverName, c.host); got != c.want {
			t.Errorf("server name %q, host %q: %d, want %d", c.serverName, c.host, got, c.want)
		}
	}
}

func TestCircuitLimits(t *testing.T) {
	for name, limits := range map[string]*lbv1.CircuitLimits{"requests": {MaxRequests: 1}, "connections": {MaxConnections: 1}} {
		began, release := make(chan bool, 1), make(chan bool)
		backend := httpBackend(t, func(http.ResponseWriter, *http.Request) {
			began <- true
			<-release
		})
		r := newRig(t, []string{backend}, func(m *model) { m.service.Limits = limits })
		first := r.dial()
		first.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-began
		if res, _ := r.get("/"); res.StatusCode != 503 {
			t.Errorf("%s: %v", name, res.Status)
		}
		close(release)
		if res, _ := first.answer(t, "GET"); res.StatusCode != 200 {
			t.Errorf("%s: the first got %v", name, res.Status)
		}
	}
}

func TestAccessLogSaysWhatHappened(t *testing.T) {
	backend := httpBackend(t, echo)
	r := newRig(t, []string{backend}, nil)
	r.get("/logged")
	eventually(t, "a record", func() bool { return strings.Contains(r.log.String(), "\n") })
	for _, want := range []string{
		`/logged`, `"status":200`, `response_sent_by_backend`, `"requestMethod":"GET"`,
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("%s is missing in %s", want, r.log.String())
		}
	}
}

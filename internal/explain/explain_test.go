package explain_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/explain"
)

const nobody = "127.0.0.1:1"

func site(t *testing.T, m *lbv1.Model) *explain.Site {
	t.Helper()
	s, err := explain.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		q    explain.Request
		want string
	}{
		{explain.Request{URL: "a.com/api?v=2", Fields: []string{"x-three: 1", "x-empty;", "x-none:"}}, `
GET a.com/api?v=2

listener: Gateway ns/plain (http)
  http at 127.0.0.1:80
routing extension: GCPRoutingExtension ns/x (routing)
  chain never: does not match
    request.headers["x-route"] == "yes" = no value
      request.headers["x-route"] = no value
URL map: map
  host a.com of listener host *
  not ns/r, rule first: method POST, path prefix /: the method is GET
  not ns/r, rule 1: path prefix /old: the path is /api
  ns/r, rule 2: path prefix /api, query parameter v = 2
backend service: Service ns/b (b)
  endpoints: 1
  traffic extension: traffic
    chain one: does not match
      request.path.startsWith("/secret") && source.ip != "9.9.9.9" = false
        request.path.startsWith("/secret") = false
          request.path = "/api"
        source.ip != "9.9.9.9" = true
          source.ip = "127.0.0.1"
      request.method == "PUT" = false
        request.method = "GET"
    chain two: does not match
      for backend service b: chosen
      request.query.contains("go") = false
        request.query = "v=2"
    chain three: runs
      request.headers["x-three"] == "1" = true
        request.headers["x-three"] = "1"
      extension e: fails whenever it is used: Service is missing
  sent: GET /v2?v=2
    host: in.com
    x-three: 1
    x-empty: 
    x-forwarded-for: 127.0.0.1,127.0.0.1
    x-forwarded-proto: http
    via: 1.1 google
    x-set: 1
`},
		{explain.Request{URL: "http://a.com/x?go", Fields: []string{"env: split"}}, `
backend service: a, 3 of 4 requests
  endpoints: 1
  traffic extension: traffic
    chain one: does not match
      request.path.startsWith("/secret") && source.ip != "9.9.9.9" = false
        request.path.startsWith("/secret") = false
          request.path = "/x"
        source.ip != "9.9.9.9" = true
          source.ip = "127.0.0.1"
      request.method == "PUT" = false
        request.method = "GET"
    chain two: does not match
      for backend service b: not chosen
      request.query.contains("go") = true
        request.query = "go"
`},
		{explain.Request{URL: "http://a.com/x?go", Fields: []string{"env: split"}}, `
    chain two: runs
      for backend service b: chosen
      request.query.contains("go") = true
        request.query = "go"
      extension e: fails whenever it is used, and is passed by: image is missing
    chain three: not asked, an earlier one runs
`},
		{explain.Request{URL: "http://127.0.0.1/old/", Fields: []string{"Host: a.com"}}, `
no backend service is asked
`},
		{explain.Request{URL: "http://c.com/"}, `
  listener host * has no rule for the host: the default service answers
default service: default
  endpoints: 0
  answer of the load balancer: 404 fault_filter_abort
`},
		{explain.Request{URL: "http://x.b.com/X"}, `
  host *.b.com of listener host *.b.com
  not ns/s, rule 0: path ~ /[a-z]+: the path is /X
  no rule applies: the default service answers
`},
		{explain.Request{URL: "http://x.b.com/x", Fields: []string{"X-Route: yes"}}, `
  chain never: runs
    request.headers["x-route"] == "yes" = true
      request.headers["x-route"] = "yes"
    extension e: fails whenever it is used: Service is missing
  what it may change is not known: what follows is for the request as it came
`},
	} {
		told, err := site(t, model(t, nobody)).Explain(tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.q.URL, err)
			continue
		}
		var got strings.Builder
		if err := told.WriteText(&got); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains("\n"+got.String(), tt.want) {
			t.Errorf("%s: got\n%s\nwant in it%s", tt.q.URL, got.String(), tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	s := site(t, model(t, nobody))
	for _, tt := range []struct {
		q    explain.Request
		want string
	}{
		{explain.Request{URL: "ftp://a.com/"}, `URL "ftp://a.com/": the scheme is neither http nor https`},
		{explain.Request{URL: "http://"}, `URL "http://": "" is no host[:port]`},
		{explain.Request{URL: "http://u@a.com/"}, `URL "http://u@a.com/": "u@a.com" is no host[:port]`},
		{explain.Request{URL: "http://a.com/a b"}, `URL "http://a.com/a b": the path has a byte that has to be percent-encoded`},
		{explain.Request{URL: "http://a.com/", Method: "A B"}, `"A B" is no method`},
		{explain.Request{URL: "http://a.com/", Fields: []string{"x"}}, `"x" is no field: write 'Name: value'`},
		{explain.Request{URL: "http://a.com/", Fields: []string{"x y: z"}}, `"x y: z" is no field: write 'Name: value'`},
		{explain.Request{URL: "http://a.com/", Fields: []string{"x: a\r\ny: b"}}, `field "x: a\r\ny: b": the value has a byte that no field may have`},
		{explain.Request{URL: "http://a.com/", Fields: []string{"Host:"}}, `a request without a host reaches no rule`},
		{explain.Request{URL: "http://a.com/", HTTP2: true, Fields: []string{"Upgrade: websocket"}}, `HTTP/2 has no field Upgrade`},
		{
			explain.Request{URL: "https://a.com/"},
			"nothing listens for https://a.com:443. What listens:\n  Gateway ns/plain: http://127.0.0.1:80, host *, *.b.com",
		},
		{
			explain.Request{URL: "http://127.0.0.2/", Gateway: "ns/plain"},
			"nothing listens for http://127.0.0.2:80 of the Gateway ns/plain. What listens:\n  Gateway ns/plain: http://127.0.0.1:80, host *, *.b.com",
		},
		{
			explain.Request{URL: "http://a.com/", Gateway: "ns/other"},
			"nothing listens for http://a.com:80 of the Gateway ns/other. What listens:\n  Gateway ns/plain: http://127.0.0.1:80, host *, *.b.com",
		},
	} {
		if _, err := s.Explain(tt.q); err == nil || err.Error() != tt.want {
			t.Errorf("%+v:\n got %v\nwant %s", tt.q, err, tt.want)
		}
	}
	if _, err := site(t, &lbv1.Model{}).Explain(explain.Request{URL: "a.com"}); err == nil || !strings.Contains(err.Error(), "no listener at all") {
		t.Errorf("an empty model: %v", err)
	}
}

// others are more listeners: another Gateway for names of its own, and one with TLS.
const others = `
resources { name: "other" forwarding_rule { vips { address: "127.0.0.2" region: "us" } port: 80 target_proxy: "other"
  owner { kind: "Gateway.gateway.networking.k8s.io" namespace: "ns" name: "other" } } }
resources { name: "other" target_proxy { url_map: "other" } }
resources { name: "other" url_map { default_service: "default" listener_hosts: "only.org" listener_hosts: "*.b.com" } }
resources { name: "tls" forwarding_rule { vips { address: "127.0.0.1" } vips { address: "::1" } port: 443 target_proxy: "tls" } }
resources { name: "tls" target_proxy { url_map: "tls" tls { server_names { host: "a.com" certificates: "c" } server_names { host: "b.com" certificates: "c" } } } }
resources { name: "tls" url_map { default_service: "default" listener_hosts: "a.com" listener_hosts: "b.com" detect_misdirected: true } }
resources { name: "c" ssl_certificate { certificate_chain_pem: "x" private_key_pem: "secret" } }
`

// TestListeners: whose the request is. Keys need not be known.
func TestListeners(t *testing.T) {
	more := &lbv1.Model{}
	if err := prototext.Unmarshal([]byte(others), more); err != nil {
		t.Fatal(err)
	}
	m := model(t, nobody)
	m.Resources = append(m.Resources, more.Resources...)
	s := site(t, control.RedactModel(m))
	for _, tt := range []struct {
		q    explain.Request
		want string // the forwarding rule, with the answer; or what is in the error
	}{
		{explain.Request{URL: "http://127.0.0.2/"}, "other"},
		{explain.Request{URL: "http://127.0.0.1/"}, "http"},
		{explain.Request{URL: "http://x.b.com/"}, "more than one Gateway listens for http://x.b.com:80: choose by --gateway"},
		{explain.Request{URL: "http://x.b.com/", Gateway: "ns/other"}, "other"},
		{explain.Request{URL: "http://x.b.com/", Gateway: "ns/plain"}, "http"},
		{explain.Request{URL: "https://a.com/"}, "tls"},
		{explain.Request{URL: "https://[::1]/", Fields: []string{"host: a.com"}}, "tls"},
		{explain.Request{URL: "https://a.com/", Fields: []string{"host: b.com"}}, "tls 421 misdirected_request"},
		{explain.Request{URL: "http://a.com/", Gateway: "ns/plain", Fields: []string{"content-length: 1", "transfer-encoding: chunked"}}, "http 400 content_length_with_transfer_encoding"},
		{explain.Request{URL: "http://a.com/", Gateway: "ns/plain", HTTP2: true}, "http"},
	} {
		got := ""
		if told, err := s.Explain(tt.q); err != nil {
			got = err.Error()
		} else if got = told.Listener.ForwardingRule; told.Answer != nil {
			got += " " + told.Answer.String()
		}
		if got != tt.want && !(strings.Contains(tt.want, "more than one") && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%+v: got %q, want %q", tt.q, got, tt.want)
		}
	}
}

func TestABrokenModelIsRefused(t *testing.T) {
	m := model(t, nobody)
	m.Resources = m.Resources[1:] // the default service
	if _, err := explain.New(m); err == nil || !strings.Contains(err.Error(), `"default", which does not exist`) {
		t.Errorf("got %v", err)
	}
}

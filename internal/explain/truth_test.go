package explain_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/explain"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
)

// seen answers with what it got: request line, host, fields.
func seen(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, head(r.Method, r.RequestURI, r.Host, func(yield func(name, value string)) {
		for name, values := range r.Header {
			if name == "Content-Length" {
				continue // how a message is framed is the codec's own affair
			}
			for _, v := range values {
				yield(strings.ToLower(name), v)
			}
		}
	}))
}

func head(method, path, host string, fields func(func(name, value string))) string {
	var lines []string
	fields(func(name, value string) { lines = append(lines, name+": "+value) })
	slices.Sort(lines)
	return method + " " + path + " " + host + "\n" + strings.Join(lines, "\n")
}

// ask sends a request to a proxy as it is written: no client adds or normalizes anything.
func ask(t *testing.T, at string, q explain.Request) (status int, location, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, host, _ := strings.Cut(q.URL, "://")
	host, path, _ := strings.Cut(host, "/")
	method := q.Method
	if method == "" {
		method = "GET"
	}
	fmt.Fprintf(conn, "%s /%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, host, strings.Join(append(slices.Clone(q.Fields), ""), "\r\n"))
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), text.String()
}

// asked are requests; each is explained and sent.
var asked = []explain.Request{
	{URL: "http://a.com/"},
	{URL: "http://a.com:80/x?y"},
	{URL: "http://c.com/"},
	{URL: "http://A.com/", Method: "POST", Fields: []string{"X-Mixed: Case", "x-two: 1", "x-two: 2"}},
	{URL: "http://a.com/old/x?q"},
	{URL: "http://a.com/old/x?go", Fields: []string{"x-three: 1"}},
	{URL: "http://a.com/api/things?v=2", Fields: []string{"x-drop: me", "x-set: mine", "connection: x-hop", "x-hop: 1"}},
	{URL: "http://a.com/%61pi//x/../things?v=2"},
	{URL: "http://a.com/api?v=2&go"},
	{URL: "http://a.com/api", Fields: []string{"x-forwarded-for: 1.2.3.4, 5.6.7.8"}},
	{URL: "http://x.b.com/secret"},
	{URL: "http://x.b.com/secret", Fields: []string{"x-forwarded-for: 9.9.9.9"}},
	{URL: "http://x.b.com/secre%74"},
	{URL: "http://x.b.com/put", Method: "PUT"},
	{URL: "http://x.b.com/x", Fields: []string{"x-three: 1"}},
	{URL: "http://x.b.com/x?go", Fields: []string{"x-three: 1"}},
	{URL: "http://x.b.com/x", Fields: []string{"x-route: yes"}},
	{URL: "http://x.b.com/X"},
	{URL: "http://x.b.com/x", Fields: []string{"bad name: x"}},
	{URL: "http://x.b.com/x", Fields: []string{"transfer-encoding: gzip"}},
	{URL: "http://x.b.com/x", Fields: []string{"content-length: x"}},
	{URL: "http://x.b.com/x", Fields: []string{"x_forwarded_for: 1.1.1.1"}},
	{URL: "http://x.b.com/x", Method: "CONNECT"},
}

// TestExplanationsAreTrue: a proxy that gets the request answers, or sends on, what was said.
func TestExplanationsAreTrue(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(seen))
	defer backend.Close()
	m := model(t, backend.Listener.Addr().String())
	serveAt(m, freePort(t))
	p := proxy.New(proxy.Config{Extensions: chains.Compiler{}.Provider()})
	defer p.Close()
	if err := p.Replace(m); err != nil {
		t.Fatal(err)
	}
	bound := p.Bound()
	if len(bound) != 1 || bound[0].Err != nil {
		t.Fatalf("bound: %v", bound)
	}
	site, err := explain.New(m)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, q := range asked {
		t.Run(q.Method+q.URL+strings.Join(q.Fields, ","), func(t *testing.T) {
			q.Sockets = []explain.Socket{{ForwardingRule: "http", Address: netip.MustParseAddrPort("127.0.0.1:80")}}
			told, err := site.Explain(q)
			if err != nil {
				if strings.Contains(err.Error(), "is no field") { // which is refused at once
					told = &explain.Explanation{Answer: &explain.Answer{Status: 400}}
				} else {
					t.Fatal(err)
				}
			}
			status, location, body := ask(t, bound[0].Actual.String(), q)
			got, want := fmt.Sprint(status, " ", location, " ", body), foretold(told)
			if !strings.HasPrefix(got, want) || want == "" {
				t.Errorf("the proxy said\n%s\nfor which was said\n%s", got, want)
			}
			kinds[strings.Fields(want)[0]] = true
		})
	}
	for _, status := range []string{"200", "301", "400", "404", "500", "501"} {
		if !kinds[status] {
			t.Errorf("nothing was answered by %s", status)
		}
	}
}

// serveAt moves the listener.
func serveAt(m *lbv1.Model, port uint32) {
	for _, r := range m.GetResources() {
		if f := r.GetForwardingRule(); f != nil {
			f.Port = port
		}
	}
}

// freePort is one that most likely is free. The proxy takes another if it is not.
func freePort(t *testing.T) uint32 {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return uint32(ln.Addr().(*net.TCPAddr).Port)
}

// foretold is status, location and body that follow from an explanation.
func foretold(e *explain.Explanation) string {
	if e.Answer != nil {
		return fmt.Sprint(e.Answer.Status, " ", e.Answer.Location)
	}
	b := e.Backends[0]
	switch {
	case fails(e.RouteExtension), fails(b.TrafficExtension):
		return "500 "
	case b.Answer != nil:
		return fmt.Sprint(b.Answer.Status, " ", b.Answer.Location)
	}
	return "200  " + head(b.Sent.Method, b.Sent.Path, b.Sent.Host, func(yield func(name, value string)) {
		for _, f := range b.Sent.Fields {
			yield(textproto.TrimString(f.Name), f.Value)
		}
	})
}

// fails: every extension of the fixture has a fault.
func fails(x *explain.Extension) bool {
	return x != nil && slices.ContainsFunc(x.Chains, func(c explain.Chain) bool { return c.Outcome == explain.Runs && !c.Members[0].FailOpen })
}

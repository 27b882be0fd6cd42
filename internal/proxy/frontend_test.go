package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
)

// requestedOf are the ends that were asked for, each as "ADDRESS" or "ADDRESS: error".
func requestedOf(bound []proxy.Bound) []string {
	var out []string
	for _, b := range bound {
		text := b.Requested.Addr().String()
		if b.Err != nil {
			text += ": " + b.Err.Error()
		}
		out = append(out, text)
	}
	return out
}

// TestEveryAddressOfAForwardingRuleIsBound: several of one region, IPv6 among them, and one that is there twice.
func TestEveryAddressOfAForwardingRuleIsBound(t *testing.T) {
	m := newModel([]string{httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })})
	m.rule.Vips = []*lbv1.Vip{{Address: "127.0.0.1"}, {Address: "127.0.0.2"}, {Address: "::1"}, {Address: "127.0.0.2"}}
	p := proxy.New(proxy.Config{})
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Replace(m.model()); err != nil {
		t.Fatal(err)
	}
	if got := requestedOf(p.Bound()); !slices.Equal(got, []string{"127.0.0.1", "127.0.0.2", "::1"}) {
		t.Fatalf("bound %v", got)
	}
	for _, b := range p.Bound() {
		at := &rig{t: t, addr: b.Actual.String()}
		if _, body := at.get("/"); body != "hello" {
			t.Errorf("%s answers %q", b.Actual, body)
		}
	}
	m.rule.Vips = m.rule.Vips[1:2]
	if err := p.Replace(m.model()); err != nil {
		t.Fatal(err)
	}
	if got := requestedOf(p.Bound()); !slices.Equal(got, []string{"127.0.0.2"}) {
		t.Errorf("after the others went, bound %v", got)
	}
}

// TestTwoForwardingRulesOfOneAddress: the second is told that it is not served; it does not get another port by chance.
func TestTwoForwardingRulesOfOneAddress(t *testing.T) {
	m := newModel([]string{httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })})
	m.more = append(m.more, &lbv1.Resource{Name: "twin", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
		Vips: m.rule.GetVips(), Port: m.rule.GetPort(), TargetProxy: "proxy",
	}}})
	p := proxy.New(proxy.Config{})
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Replace(m.model()); err == nil || !strings.Contains(err.Error(), `forwarding rule "rule" listens there`) {
		t.Fatalf("error %v", err)
	}
	bound := p.Bound()
	if len(bound) != 2 || bound[0].Err != nil || bound[1].Err == nil || bound[1].Actual != (netip.AddrPort{}) {
		t.Errorf("bound %v", bound)
	}
}

// TestASocketOfItsOwn: a proxy in a Pod listens on the Pod's address for a forwarding rule whose address is the network's. Two rules of
// one port exclude each other, until one goes.
func TestASocketOfItsOwn(t *testing.T) {
	m := newModel([]string{httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })})
	m.rule.Vips = []*lbv1.Vip{{Address: "192.0.2.1"}}
	own := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(m.rule.GetPort()))
	p := proxy.New(proxy.Config{BindAddress: own.Addr()})
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Replace(m.model()); err != nil {
		t.Fatal(err)
	}
	b := p.Bound()[0]
	if b.Actual != b.Requested || b.Elsewhere() || b.Requested.Addr() != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("bound %+v", b)
	}
	if _, body := (&rig{t: t, addr: own.String()}).get("/"); body != "hello" {
		t.Errorf("answer %q", body)
	}
	m.rule.Vips = append(m.rule.Vips, &lbv1.Vip{Address: "192.0.2.2"})
	want := fmt.Sprintf("listen on %s: forwarding rule", own)
	if err := p.Replace(m.model()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	m.rule.Vips = m.rule.Vips[1:]
	if err := p.Replace(m.model()); err != nil {
		t.Fatal(err)
	}
	if got := requestedOf(p.Bound()); !slices.Equal(got, []string{"192.0.2.2"}) {
		t.Errorf("bound %v", got)
	}
}

// displaced is a proxy whose port was another's when it began, with a client at the one that it took instead.
type displaced struct {
	*proxy.Proxy
	m      *model
	own    string
	other  net.Listener
	before proxy.Bound
	client *rawConn
}

func newDisplaced(t *testing.T, m *model) *displaced {
	own := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(m.rule.GetPort())))
	other, err := net.Listen("tcp", own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	d := &displaced{Proxy: proxy.New(proxy.Config{}), m: m, own: own, other: other}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Replace(m.model()); err != nil {
		t.Fatal(err)
	}
	d.before = d.Bound()[0]
	if !d.before.Elsewhere() || !errors.Is(d.before.Why, syscall.EADDRINUSE) {
		t.Fatalf("bound %v, because %v", d.before, d.before.Why)
	}
	d.client = (&rig{t: t, addr: d.before.Actual.String()}).dial()
	d.expect(t, "200 hello")
	return d
}

// expect asks on the client's connection.
func (d *displaced) expect(t *testing.T, want string) {
	t.Helper()
	d.client.say("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	if res, body := d.client.answer(t, "GET"); !strings.HasPrefix(fmt.Sprint(res.StatusCode, " ", body), want) {
		t.Errorf("%s answers %d %q, want %q", d.before.Actual, res.StatusCode, body, want)
	}
}

// goHome frees the port and has the proxy move to it.
func (d *displaced) goHome(t *testing.T) {
	t.Helper()
	_ = d.other.Close()
	if err := d.Rebind(); err != nil {
		t.Fatal(err)
	}
	after := d.Bound()[0]
	if after.Elsewhere() || after.Actual.String() != d.own || after.Why != nil {
		t.Fatalf("bound %v, because %v", after, after.Why)
	}
}

func saysHello(t *testing.T) []string {
	return []string{httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })}
}

// TestAPortThatComesFree is moved to when the configuration in force is committed again; who is connected is served on.
func TestAPortThatComesFree(t *testing.T) {
	d := newDisplaced(t, newModel(saysHello(t)))
	if err := d.Rebind(); err != nil || d.Bound()[0].Actual != d.before.Actual {
		t.Fatalf("while the port is taken: %v, bound %v", err, d.Bound())
	}
	d.goHome(t)
	home := &rig{t: t, addr: d.own}
	if _, body := home.get("/"); body != "hello" {
		t.Errorf("the own port answers %q", body)
	}
	d.expect(t, "200 hello")
	if nc, err := net.Dial("tcp", d.before.Actual.String()); err == nil {
		_ = nc.Close()
		t.Error("the other port is still open")
	}
}

// TestWhoStayedBehindFollows: a connection that was made before the move is served by the target proxy that the rule has now.
func TestWhoStayedBehindFollows(t *testing.T) {
	m := newModel(saysHello(t))
	m.more = append(m.more,
		&lbv1.Resource{Name: "gone", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 410}}},
		&lbv1.Resource{Name: "other", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "gone"}}},
		&lbv1.Resource{Name: "other", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "other"}}})
	d := newDisplaced(t, m)
	d.goHome(t)
	next := m.model()
	next.Seq, next.Resources[0] = 2, &lbv1.Resource{Name: "rule", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
		Vips: m.rule.GetVips(), Port: m.rule.GetPort(), TargetProxy: "other",
	}}}
	if err := d.Replace(next); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "410 ")
}

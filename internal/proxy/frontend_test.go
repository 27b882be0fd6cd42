package proxy_test

import (
	"errors"
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

// TestAPortThatComesFree is moved to when the configuration in force is committed again; who is connected is served on.
func TestAPortThatComesFree(t *testing.T) {
	m := newModel([]string{httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })})
	own := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(m.rule.GetPort())))
	other, err := net.Listen("tcp", own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	p := proxy.New(proxy.Config{})
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Replace(m.model()); err != nil {
		t.Fatal(err)
	}
	before := p.Bound()[0]
	if !before.Elsewhere() || !errors.Is(before.Why, syscall.EADDRINUSE) {
		t.Fatalf("bound %v, because %v", before, before.Why)
	}
	connected := &rig{t: t, addr: before.Actual.String()}
	c := connected.dial()
	c.say("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	if _, body := c.answer(t, "GET"); body != "hello" {
		t.Fatalf("%s answers %q", before.Actual, body)
	}
	if err := p.Rebind(); err != nil || p.Bound()[0].Actual != before.Actual {
		t.Fatalf("while the port is taken: %v, bound %v", err, p.Bound())
	}
	_ = other.Close()
	if err := p.Rebind(); err != nil {
		t.Fatal(err)
	}
	after := p.Bound()[0]
	if after.Elsewhere() || after.Actual.String() != own || after.Why != nil {
		t.Fatalf("bound %v, because %v", after, after.Why)
	}
	home := &rig{t: t, addr: own}
	if _, body := home.get("/"); body != "hello" {
		t.Errorf("the own port answers %q", body)
	}
	c.say("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	if _, body := c.answer(t, "GET"); body != "hello" {
		t.Errorf("the connection of before answers %q", body)
	}
	if nc, err := net.Dial("tcp", before.Actual.String()); err == nil {
		_ = nc.Close()
		t.Error("the other port is still open")
	}
}

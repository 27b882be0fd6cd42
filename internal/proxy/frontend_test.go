package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
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

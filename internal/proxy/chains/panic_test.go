package chains_test

import (
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// TestAMatcherThatPanicsChoosesItsChain: it has not said that the chain need not run.
func TestAMatcherThatPanicsChoosesItsChain(t *testing.T) {
	x := newSite(t, setup{edit: func(m *resources) {
		m.traffic = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{{Name: "guard", Extensions: []*lbv1.Extension{{
			Name: "ext", Fault: "it cannot run", Target: &lbv1.Extension_BackendService{BackendService: "callout"},
		}}}}}
	}})
	_ = x.Close()
	compile := chains.Compiler{}.Provider()
	x.Proxy = proxy.New(proxy.Config{AccessLog: x.log, Extensions: func(name string, spec *lbv1.TargetProxy, r extension.Resources) (*extension.Chains, error) {
		out, err := compile(name, spec, r)
		if out != nil {
			out.Traffic[0].Match = func(extension.Exchange, *extension.Request) bool { panic("a matcher is broken") }
		}
		return out, err
	}})
	t.Cleanup(func() { _ = x.Close() })
	if err := x.Replace(x.model); err != nil {
		t.Fatal(err)
	}
	x.addr = x.Bound()[0].Actual.String()
	for _, version := range []int{1, 2} {
		if g := x.ask(version, "GET", "/", ""); g.status != 500 {
			t.Errorf("HTTP/%d: %+v passed unextended", version, g)
		}
	}
	eventually(t, "the log tells", func() bool { return strings.Contains(x.log.String(), "it cannot run") })
}

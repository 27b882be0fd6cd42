package names_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/names"
)

func TestNamesHaveGooglesShape(t *testing.T) {
	multi, single := names.MultiCluster(), names.SingleCluster("gke-west-1")
	for _, c := range []struct{ name, pattern string }{
		{multi.Address("store", "external-http", ""), `^gkemcg1-store-external-http-[a-z0-9]{12}$`},
		{multi.ForwardingRule("store", "external-http", 80, ""), `^gkemcg1-store-external-http-[a-z0-9]{12}$`},
		{multi.URLMap("store", "external-http", 80, ""), `^gkemcg1-store-external-http-[a-z0-9]{12}$`},
		{multi.BackendService("store", "store-west-1", 8080, ""), `^gkemcg1-store-store-west-1-8080-[a-z0-9]{12}$`},
		{multi.Default("store", 404, ""), `^gkemcg1-store-gw-serve404-80-[a-z0-9]{12}$`},
		{multi.Default("store", 500, ""), `^gkemcg1-store-gw-serve500-80-[a-z0-9]{12}$`},
		{single.BackendService("store", "store", 80, ""), `^gkegw1-[a-z0-9]{4}-store-store-80-[a-z0-9]{12}$`},
		{multi.Firewall("default", "global"), `^gkemcg1-l7-default-global$`},
		{names.PathMatcher("store.example.com"), `^host[a-z0-9]{32}$`},
	} {
		if !regexp.MustCompile(c.pattern).MatchString(c.name) {
			t.Errorf("%q does not match %s", c.name, c.pattern)
		}
	}
}

func TestNamesAreStableAndDistinct(t *testing.T) {
	n := names.MultiCluster()
	all := []string{
		n.Address("store", "web", ""), n.Address("store", "web", "us-west1"),
		n.ForwardingRule("store", "web", 80, ""), n.ForwardingRule("store", "web", 443, ""),
		n.URLMap("store", "web", 80, ""), n.URLMap("store", "web", 443, ""), n.Certificate("store", "web", "https/0"),
		n.BackendService("a", "b-c", 80, ""), n.BackendService("a-b", "c", 80, ""), n.BackendService("a", "b-c", 80, "x"),
	}
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] {
			t.Errorf("%s twice", name)
		}
		seen[name] = true
	}
	if got, want := n.BackendService("store", "store", 8080, ""), "gkemcg1-store-store-8080-"; !strings.HasPrefix(got, want) {
		t.Errorf("%s does not start with %s", got, want)
	}
	if names.MultiCluster().Address("s", "g", "") != n.Address("s", "g", "") {
		t.Error("two calls give two names")
	}
}

func TestLongNamesAreTrimmedTo63(t *testing.T) {
	long := strings.Repeat("x", 63)
	for _, c := range []struct{ namespace, service, middle string }{
		{"ns", long, "-ns-" + strings.Repeat("x", 33) + "-65535-"},
		{long, "svc", "-" + strings.Repeat("x", 32) + "-svc-65535-"},
		{long, long, "-" + strings.Repeat("x", 18) + "-" + strings.Repeat("x", 17) + "-65535-"},
	} {
		name := names.MultiCluster().BackendService(c.namespace, c.service, 65535, "")
		if len(name) != 63 || !strings.Contains(name, c.middle) {
			t.Errorf("%s (%d characters) lacks %s", name, len(name), c.middle)
		}
	}
}

package plan

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/address"
)

func TestTheDefaultIsTheTutorials(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"gke-west-1": "us-west1-a", "gke-west-2": "us-west1-a", "gke-east-1": "us-east1-b"}
	for _, c := range p.Clusters {
		if len(c.Zones) != 1 || c.Zones[0] != want[c.Name] || !strings.HasPrefix(c.Zones[0], c.Region+"-") {
			t.Errorf("%s is in %s, %v; want %s", c.Name, c.Region, c.Zones, want[c.Name])
		}
	}
	if !slices.Equal(p.Names(), DefaultClusters) {
		t.Errorf("names are %v", p.Names())
	}
}

func TestPlacesFromNamesAndFlags(t *testing.T) {
	p, err := New(Options{
		Clusters: []string{"prod-europe-west4", "edge-asia-east1-b", "shop", "gke-central", "told"},
		Places:   []string{"told=europe-north1/europe-north1-b,europe-north1-c", "shop=us-east1"}, Nodes: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"europe-west4-a", "asia-east1-b", "us-east1-b", "us-central1-a", "europe-north1-b europe-north1-c"}
	for i, c := range p.Clusters {
		if got := strings.Join(c.Zones, " "); got != want[i] {
			t.Errorf("%s is in %s, want %s", c.Name, got, want[i])
		}
	}
	if got := p.NodesOf(p.Clusters[4]); len(got) != 4 || got[3].Zone != "europe-north1-c" || got[3].Instance != 1 {
		t.Errorf("nodes are %v", got)
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]Options{
		"named twice":         {Clusters: []string{"a", "a"}},
		"cluster name":        {Clusters: []string{"A_b"}},
		"no cluster \"z\"":    {Clusters: []string{"a"}, Places: []string{"z=us-west1"}},
		"no NAME=":            {Clusters: []string{"a"}, Places: []string{"us-west1"}},
		"region":              {Clusters: []string{"a"}, Places: []string{"a="}},
		"zone: ":              {Clusters: []string{"a"}, Places: []string{"a=us-west1/"}},
		"is there twice":      {Clusters: []string{"a"}, Places: []string{"a=us-west1/x,x"}},
		"1 to 9 nodes":        {Nodes: 10},
		"more than the 50":    {Clusters: make([]string, MaxClusters+1)},
		"1 to 9 nodes, not -": {Nodes: -1},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// TestRangesDoNotOverlap holds for the most clusters that there may be, the Gateways' pool, and the ClusterSetIPs of any name.
func TestRangesDoNotOverlap(t *testing.T) {
	var names []string
	for i := range MaxClusters {
		names = append(names, "c"+string(rune('a'+i/26))+string(rune('a'+i%26)))
	}
	p, err := New(Options{Clusters: names, Nodes: maxNodes, Places: []string{"caa=us-west1/a,b,c,d,e,f"}})
	if err != nil {
		t.Fatal(err)
	}
	all := []netip.Prefix{Gateways}
	for _, c := range p.Clusters {
		servers := netip.PrefixFrom(c.APIServer().Addr(), 24).Masked()
		for _, a := range []netip.AddrPort{c.Etcd(), c.Peer(), c.ControllerManager(), c.Scheduler()} {
			if !servers.Contains(a.Addr()) {
				t.Errorf("%s is outside %s", a, servers)
			}
		}
		all = append(all, servers, c.Nodes(), c.Services(), c.Pods())
		for _, n := range p.NodesOf(c) {
			if !c.Nodes().Contains(n.Address) {
				t.Errorf("node %v of %s is outside %s", n, c.Name, c.Nodes())
			}
		}
	}
	for i, a := range all {
		if !Addresses.Contains(a.Addr()) {
			t.Errorf("%s is outside %s", a, Addresses)
		}
		for _, b := range all[i+1:] {
			if a.Overlaps(b) {
				t.Fatalf("%s and %s overlap", a, b)
			}
		}
		for _, name := range names {
			if a.Overlaps(address.ServiceImports(name)) {
				t.Errorf("%s overlaps the ClusterSetIPs of %s", a, name)
			}
		}
	}
}

func TestProjects(t *testing.T) {
	for text, want := range map[string]Plan{
		"": {Project: DefaultProject, Number: DefaultProjectNumber}, "shop": {Project: "shop", Number: DefaultProjectNumber},
		"shop:12": {Project: "shop", Number: 12},
	} {
		if p, err := New(Options{Project: text}); err != nil || p.Project != want.Project || p.Number != want.Number {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
	for _, wrong := range []string{":12", "shop:", "shop:x", "shop:-1"} {
		if _, err := New(Options{Project: wrong}); err == nil || !strings.Contains(err.Error(), "ID:NUMBER") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

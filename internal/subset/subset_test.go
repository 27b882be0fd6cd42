package subset

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// resources are what a location holds or what is published.
type resources map[key]*lbv1.Resource

func (r resources) apply(t *testing.T, tx *lbv1.Transaction) {
	t.Helper()
	seen := map[key]bool{}
	for _, x := range tx.GetUpserts() {
		k := keyOf(x)
		if seen[k] {
			t.Errorf("%v is in a transaction twice", k)
		}
		seen[k], r[k] = true, x
	}
	for _, x := range tx.GetDeletes() {
		k := key{x.GetKind(), x.GetName()}
		if seen[k] || r[k] == nil {
			t.Errorf("%v is deleted, and not there", k)
		}
		seen[k] = true
		delete(r, k)
	}
}

func keyOf(r *lbv1.Resource) key {
	k := lbv1.KeyOf(r)
	return key{k.GetKind(), k.GetName()}
}

// reached is what a location needs, found from scratch.
func (r resources) reached(at string) resources {
	out, seen := resources{}, map[key]bool{}
	var visit func(k key)
	visit = func(k key) {
		if seen[k] {
			return
		}
		seen[k] = true
		if x := r[k]; x != nil {
			out[k] = x
			for _, ref := range config.References(x) {
				if !ref.Part {
					visit(key{ref.Kind, ref.Name})
				}
			}
		}
		// Parts of what is not there count, too: a control plane publishes none.
		for part, y := range r {
			only := y.GetWeights().GetLocation() + y.GetEndpointHealth().GetLocation()
			for _, ref := range config.References(y) {
				if ref.Part && (key{ref.Kind, ref.Name}) == k && (only == "" || only == at) {
					visit(part)
				}
			}
		}
	}
	for k, x := range r {
		for _, vip := range x.GetForwardingRule().GetVips() {
			if vip.GetRegion() == "" || vip.GetRegion() == at {
				visit(k)
			}
		}
	}
	return out
}

func (r resources) equal(o resources) bool {
	return maps.EqualFunc(r, o, func(a, b *lbv1.Resource) bool { return a == b || proto.Equal(a, b) })
}

func (r resources) names() []string {
	var out []string
	for k := range r {
		out = append(out, k.kind+" "+k.name)
	}
	slices.Sort(out)
	return out
}

var regions = []string{"us-east1", "us-west1", "eu-west1"}

// world draws small models in which everything may refer to everything of the right kind, also to what is not there.
type world struct{ *rand.Rand }

func (w world) name(prefix string) string { return fmt.Sprint(prefix, w.IntN(4)) }

func (w world) names(prefix string) (out []string) {
	for range w.IntN(3) {
		out = append(out, w.name(prefix))
	}
	return out
}

func (w world) resource() *lbv1.Resource {
	switch w.IntN(11) {
	case 0:
		f := &lbv1.ForwardingRule{TargetProxy: w.name("p"), Port: uint32(w.IntN(9))}
		for range w.IntN(3) {
			f.Vips = append(f.Vips, &lbv1.Vip{Region: append(regions, "")[w.IntN(4)], Address: "127.0.0.1"})
		}
		return &lbv1.Resource{Name: w.name("f"), Body: &lbv1.Resource_ForwardingRule{ForwardingRule: f}}
	case 1:
		p := &lbv1.TargetProxy{UrlMap: w.name("m")}
		if w.IntN(2) == 0 {
			p.Tls = &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{{Certificates: w.names("c"), ClientValidation: &lbv1.ClientValidation{TrustConfigs: w.names("t")}}}}
		}
		return &lbv1.Resource{Name: w.name("p"), Body: &lbv1.Resource_TargetProxy{TargetProxy: p}}
	case 2:
		return &lbv1.Resource{Name: w.name("m"), Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: w.name("s")}}}
	case 3, 4:
		r := &lbv1.RouteRule{UrlMap: w.name("m")}
		for _, s := range w.names("s") {
			r.Mirrors = append(r.Mirrors, &lbv1.Mirror{BackendService: s})
		}
		forward := &lbv1.Forward{}
		for _, s := range w.names("s") {
			forward.Backends = append(forward.Backends, &lbv1.WeightedBackend{BackendService: s})
		}
		r.Action = &lbv1.RouteRule_Forward{Forward: forward}
		return &lbv1.Resource{Name: w.name("r"), Body: &lbv1.Resource_RouteRule{RouteRule: r}}
	case 5:
		s := &lbv1.BackendService{HealthCheck: w.name("h"), AbortStatus: uint32(w.IntN(3))}
		for _, g := range w.names("g") {
			s.Backends = append(s.Backends, &lbv1.Backend{Group: g})
		}
		return &lbv1.Resource{Name: w.name("s"), Body: &lbv1.Resource_BackendService{BackendService: s}}
	case 6:
		return &lbv1.Resource{Name: w.name("g"), Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: uint32(w.IntN(3))}}}
	case 7:
		g := w.name("g")
		return &lbv1.Resource{Name: fmt.Sprint(g, "/", w.IntN(3)), Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{Group: g}}}
	case 8:
		x := &lbv1.Weights{BackendService: w.name("s"), Location: append(regions, "")[w.IntN(4)]}
		for _, g := range w.names("g") {
			x.Groups = append(x.Groups, &lbv1.GroupWeight{Group: g})
		}
		return &lbv1.Resource{Name: w.name("w"), Body: &lbv1.Resource_Weights{Weights: x}}
	case 9:
		return &lbv1.Resource{Name: w.name("h"), Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{Port: uint32(w.IntN(3))}}}
	}
	return &lbv1.Resource{Name: w.name("c"), Body: &lbv1.Resource_SslCertificate{SslCertificate: &lbv1.SslCertificate{}}}
}

// transaction draws resources to put and some of all to delete, each once.
func (w world) transaction(seq uint64, all resources) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: seq}
	seen := map[key]bool{}
	for range w.IntN(12) {
		r := w.resource()
		if k := keyOf(r); !seen[k] {
			seen[k] = true
			tx.Upserts = append(tx.Upserts, r)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(all), func(a, b key) int { return byKey(&node{key: a}, &node{key: b}) }) {
		if !seen[k] && w.IntN(5) == 0 {
			tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: k.kind, Name: k.name})
		}
	}
	return tx
}

// TestLocationsHoldWhatTheyReach: after every transaction each location holds what a search from scratch finds, whatever
// led there and whenever it was opened, and nothing is said that is not new.
func TestLocationsHoldWhatTheyReach(t *testing.T) {
	for seed := range uint64(150) {
		w := world{rand.New(rand.NewPCG(seed, 1))}
		m, all, held := New(), resources{}, map[string]resources{}
		for seq := range uint64(40) {
			if at := regions[w.IntN(len(regions))]; held[at] == nil {
				held[at] = resources{}
				held[at].apply(t, m.Open(at))
			} else if w.IntN(15) == 0 {
				delete(held, at)
				m.Close(at)
			}
			tx := w.transaction(seq+1, all)
			all.apply(t, tx)
			parts := m.Apply(tx)
			for at := range held {
				if parts[at].GetSeq() != seq+1 {
					t.Fatalf("seed %d: %s gets transaction %d of %d", seed, at, parts[at].GetSeq(), seq+1)
				}
				held[at].apply(t, parts[at])
				if want := all.reached(at); !held[at].equal(want) {
					t.Fatalf("seed %d, transaction %d, %s: holds %v, reaches %v", seed, seq+1, at, held[at].names(), want.names())
				}
			}
			if len(parts) != len(held) || t.Failed() {
				t.Fatalf("seed %d: %d transactions for %d locations", seed, len(parts), len(held))
			}
		}
		var last []*lbv1.ResourceKey
		for k := range all {
			last = append(last, &lbv1.ResourceKey{Kind: k.kind, Name: k.name})
		}
		m.Apply(&lbv1.Transaction{Seq: 99, Deletes: last})
		if n := len(m.graph.nodes) + len(m.graph.root.parts); n > 0 {
			t.Fatalf("seed %d: %d nodes are left of nothing", seed, n)
		}
		for at, l := range m.locations {
			if len(l.counts) != 1 {
				t.Fatalf("seed %d: %s still counts %d nodes", seed, at, len(l.counts))
			}
		}
	}
}

// fleet is a Gateway with an address in every region, whose rule has a backend service in each.
func fleet(n int) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: 1}
	for i := range n {
		name := fmt.Sprint("x", i)
		tx.Upserts = append(tx.Upserts,
			&lbv1.Resource{Name: name, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{UrlMap: "m", Action: &lbv1.RouteRule_Forward{
				Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: name}}},
			}}}},
			&lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: name}}}}},
			&lbv1.Resource{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
			shardOf(name),
		)
	}
	rule := &lbv1.ForwardingRule{TargetProxy: "p"}
	for _, r := range regions {
		rule.Vips = append(rule.Vips, &lbv1.Vip{Region: r})
	}
	tx.Upserts = append(tx.Upserts,
		&lbv1.Resource{Name: "f", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: rule}},
		&lbv1.Resource{Name: "p", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "m"}}},
		&lbv1.Resource{Name: "m", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{}}},
	)
	return tx
}

func shardOf(group string) *lbv1.Resource {
	return &lbv1.Resource{Name: group + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{Group: group}}}
}

// TestAnEditCostsItsOwn: allocations of an edit do not grow with the model, nor with the URL map that a rule is part of.
func TestAnEditCostsItsOwn(t *testing.T) {
	cost := func(n int) float64 {
		m := New()
		m.Apply(fleet(n))
		m.Open(regions[0])
		rule := fleet(1).GetUpserts()[0]
		return testing.AllocsPerRun(100, func() {
			m.Apply(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{shardOf("x0"), rule}})
		})
	}
	if small, large := cost(10), cost(10_000); large > small {
		t.Errorf("an edit allocates %v times in a small model, %v in a large one", small, large)
	}
}

// BenchmarkEdit is what a round of one endpoint's edit costs at one location.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{300, 30_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := New()
			m.Apply(fleet(n))
			m.Open(regions[0])
			tx := &lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{shardOf("x0"), fleet(1).GetUpserts()[0]}}
			for b.Loop() {
				m.Apply(tx)
			}
		})
	}
}

// BenchmarkLoad is what everything costs at first, for one location.
func BenchmarkLoad(b *testing.B) {
	tx := fleet(30_000)
	for b.Loop() {
		m := New()
		m.Apply(tx)
		m.Open(regions[0])
	}
	b.ReportAllocs()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*30_000), "ns/route")
}

package controlplane

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/store"
)

func gateway(name string) store.Ref {
	return store.Ref{Cluster: "c", Kind: "Gateway", Namespace: "n", Name: name}
}

func route(name string) store.Ref {
	return store.Ref{Cluster: "c", Kind: "HTTPRoute", Namespace: "n", Name: name}
}

// resource makes what the name says: fr-GATEWAY, um-GATEWAY, rr-GATEWAY-ROUTE-N or bs-SERVICE; version makes it differ.
func resource(kind, gw, rt string, version int, regions []string) *lbv1.Resource {
	text := fmt.Sprint(version)
	switch kind {
	case "fr":
		rule := &lbv1.ForwardingRule{Owner: owner.Of(gateway(gw)), Description: text}
		for _, region := range regions {
			rule.Vips = append(rule.Vips, &lbv1.Vip{Region: region, Address: "127.0.0.1"})
		}
		return &lbv1.Resource{Name: "fr-" + gw, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: rule}}
	case "um":
		return &lbv1.Resource{Name: "um-" + gw, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{Owner: owner.Of(gateway(gw)), Description: text}}}
	case "rr":
		return &lbv1.Resource{Name: "rr-" + gw + "-" + rt, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
			Owner: owner.Of(route(rt)), UrlMap: "um-" + gw, Precedence: text,
		}}}
	}
	region := ""
	if len(regions) > 0 {
		region = regions[0]
	}
	return &lbv1.Resource{Name: "bs-" + gw, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
		Owner: owner.Of(store.Ref{Kind: "Service", Name: gw}), Region: region, Description: text,
	}}}
}

// world is the naive oracle: it keeps everything that was said and works every answer out of that.
type world struct {
	model   map[string]*lbv1.Resource
	seq     uint64
	touched map[store.Fact]uint64
	reports map[string]said // newest by open location
	held    map[store.Fact][]fact.Refusal
}

// said is a report, with the owners as they were then.
type said struct {
	seq     uint64
	refused map[store.Fact][]fact.Refusal
	unbound map[store.Fact][]fact.Unbound
	moved   map[store.Fact][]fact.Elsewhere
}

func (w *world) hear(r location.Report) {
	out := said{r.Seq, map[store.Fact][]fact.Refusal{}, map[store.Fact][]fact.Unbound{}, map[store.Fact][]fact.Elsewhere{}}
	for _, x := range r.Refused {
		if f, _, ok := factOf(w.model, w.lookup(x.Kind, x.Name)); ok {
			out.refused[f] = append(out.refused[f], fact.Refusal{Location: r.Location, Resource: x.Kind + " " + x.Name, Text: x.Reason})
		}
	}
	for _, u := range r.Unbound {
		if f, _, ok := factOf(w.model, w.lookup("forwarding_rule", u.ForwardingRule)); ok {
			out.unbound[f] = append(out.unbound[f], fact.Unbound{Location: r.Location, Address: u.Address.Addr().String(), Port: uint32(u.Address.Port()), Text: u.Text})
		}
	}
	for _, e := range r.Elsewhere {
		if f, _, ok := factOf(w.model, w.lookup("forwarding_rule", e.ForwardingRule)); ok {
			out.moved[f] = append(out.moved[f], fact.Elsewhere{Location: r.Location, Port: uint32(e.Requested.Port()), At: e.Actual.String(), Text: e.Text})
		}
	}
	w.reports[r.Location] = out
}

func (w *world) withhold(all []Withheld) {
	w.held = map[store.Fact][]fact.Refusal{}
	for _, x := range all {
		if f, _, ok := factOf(w.model, x.Resource); ok {
			w.held[f] = append(w.held[f], fact.Refusal{Resource: x.Kind + " " + x.Name, Text: x.Reason})
		}
	}
}

func keyOf(r *lbv1.Resource) string { return lbv1.KeyOf(r).GetKind() + " " + r.GetName() }

func (w *world) lookup(kind, name string) *lbv1.Resource { return w.model[kind+" "+name] }

// factOf names the owner of a resource, by way of the model as it is.
func factOf(model map[string]*lbv1.Resource, r *lbv1.Resource) (f, gw store.Fact, ok bool) {
	if r == nil {
		return f, gw, false
	}
	ref, ok := owner.Ref(owner.OfResource(r))
	if !ok {
		return f, gw, false
	}
	rule := r.GetRouteRule()
	if rule == nil {
		return fact.ProgressOf(ref), gw, true
	}
	of, ok := owner.Ref(model["url_map "+rule.GetUrlMap()].GetUrlMap().GetOwner())
	return fact.RouteProgressOf(ref, of), fact.ProgressOf(of), ok
}

func (w *world) places(f store.Fact) (regions map[string]bool, resources int) {
	regions = map[string]bool{}
	gw := f
	for _, r := range w.model {
		if of, its, ok := factOf(w.model, r); ok && of == f {
			resources++
			if its != (store.Fact{}) {
				gw = its
			}
		}
	}
	for _, r := range w.model {
		of, _, ok := factOf(w.model, r)
		if !ok || of != gw {
			continue
		}
		for _, region := range regionsOf(r) {
			regions[region] = true
		}
	}
	return regions, resources
}

// answers are all facts that there should be.
func (w *world) answers() map[store.Fact]fact.Progress {
	out := map[store.Fact]fact.Progress{}
	owners := map[store.Fact]bool{}
	for f := range w.touched {
		owners[f] = true
	}
	for f := range w.held {
		owners[f] = true
	}
	for f := range owners {
		p := fact.Progress{Refused: slices.Clone(w.held[f])}
		regions, resources := w.places(f)
		names := map[string]bool{}
		proxies := map[string]int{} // by region
		for name := range w.reports {
			proxies[location.Region(name)]++
			names[name] = regions[location.Region(name)] || regions[""] || resources == 0
		}
		for region := range regions {
			if region != "" && resources > 0 && proxies[region] == 0 {
				names[region] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if !names[name] {
				continue
			}
			p.Total++
			r, open := w.reports[name]
			if open && r.seq >= w.touched[f] && r.refused[f] == nil {
				p.Ready++
			}
			p.Refused = append(p.Refused, r.refused[f]...)
			p.Unbound = append(p.Unbound, r.unbound[f]...)
			p.Elsewhere = append(p.Elsewhere, r.moved[f]...)
		}
		if resources == 0 && p.Ready == p.Total && len(p.Refused) == 0 {
			delete(w.touched, f) // gone, for good
			continue
		}
		out[f] = p
	}
	return out
}

// TestProgressIsWhatTheWorldSays draws publications, reports in and out of order, and locations that come and go; after
// each step the facts told so far are those of the oracle, and none is told twice.
func TestProgressIsWhatTheWorldSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{model: map[string]*lbv1.Resource{}, touched: map[store.Fact]uint64{}, reports: map[string]said{}}
		p := NewProgress(w.lookup)
		told := map[store.Fact]fact.Progress{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			name := rapid.SampledFrom([]string{"a", "b/1", "b/2", "c"}).Draw(t, "location")
			_, open := w.reports[name]
			switch rapid.SampledFrom([]string{"publish", "publish", "report", "report", "report", "come or go", "withhold"}).Draw(t, "step") {
			case "publish":
				w.publish(t, p)
			case "report":
				if !open {
					p.Report(location.Report{Location: name, Seq: w.seq}) // from one that is not known
					break
				}
				r := drawReport(t, w, name)
				if r.Seq >= w.reports[name].seq {
					w.hear(r)
				}
				p.Report(r)
			case "come or go":
				if open {
					delete(w.reports, name)
					p.Close(name)
				} else {
					w.reports[name] = said{}
					p.Open(name)
				}
			case "withhold":
				var held []Withheld
				if r := drawResource(t, 0); rapid.Bool().Draw(t, "any") && (r.GetRouteRule() == nil || w.lookup("url_map", r.GetRouteRule().GetUrlMap()) != nil) {
					key := lbv1.KeyOf(r)
					held = []Withheld{{config.Refusal{Kind: key.GetKind(), Name: key.GetName(), Reason: "no"}, r}}
				}
				w.withhold(held)
				p.Withhold(held)
			}
			for _, c := range p.Changes(true) {
				before, had := told[c.Fact]
				now, is := c.Value.(fact.Progress)
				if had == is && before.Equal(now) {
					t.Fatalf("%v was told again: %v", c.Fact, now)
				}
				if told[c.Fact] = now; !is {
					delete(told, c.Fact)
				}
			}
			want := w.answers()
			if !maps.EqualFunc(told, want, func(a, b fact.Progress) bool { return a.Equal(b) }) {
				t.Fatalf("told\n%+v\nwant\n%+v", told, want)
			}
			settled := true
			for _, r := range w.reports {
				settled = settled && r.seq >= w.seq
			}
			if p.Settled() != settled {
				t.Fatalf("settled: %t, want %t", p.Settled(), settled)
			}
		}
	})
}

func drawResource(t *rapid.T, version int) *lbv1.Resource {
	return resource(
		rapid.SampledFrom([]string{"fr", "um", "rr", "bs"}).Draw(t, "kind"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "gateway"),
		rapid.SampledFrom([]string{"r", "s"}).Draw(t, "route"), version,
		rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 0, 2).Draw(t, "regions"))
}

// publish draws a transaction in which no rule lacks its URL map, as the publisher sees to.
func (w *world) publish(t *rapid.T, p *Progress) {
	w.seq++
	before, next := w.model, maps.Clone(w.model)
	changed := map[string]bool{}
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		r := drawResource(t, int(w.seq))
		if rule := r.GetRouteRule(); rule != nil && next["url_map "+rule.GetUrlMap()] == nil {
			continue
		}
		key := keyOf(r)
		if changed[key] {
			continue
		}
		changed[key] = true
		switch {
		case next[key] == nil || rapid.Bool().Draw(t, "keep"):
			next[key] = r
		case r.GetUrlMap() != nil && slices.ContainsFunc(slices.Collect(maps.Values(next)), func(x *lbv1.Resource) bool { return x.GetRouteRule().GetUrlMap() == r.GetName() }):
			next[key] = r
		default:
			delete(next, key)
		}
	}
	tx := &lbv1.Transaction{Seq: w.seq}
	for key := range changed {
		model := next
		if now := next[key]; now != nil {
			tx.Upserts = append(tx.Upserts, now)
		} else {
			model = before
			tx.Deletes = append(tx.Deletes, lbv1.KeyOf(before[key]))
		}
		for _, r := range []*lbv1.Resource{before[key], next[key]} {
			if f, _, ok := factOf(model, r); ok {
				w.touched[f] = w.seq
			} else if f, _, ok := factOf(before, r); ok {
				w.touched[f] = w.seq
			}
		}
	}
	p.Publish(tx)
	w.model = next
}

func drawReport(t *rapid.T, w *world, name string) location.Report {
	r := location.Report{Location: name, Seq: rapid.Uint64Range(0, w.seq).Draw(t, "seq")}
	for _, gw := range []string{"x", "y"} {
		if w.lookup("forwarding_rule", "fr-"+gw) != nil && rapid.IntRange(0, 3).Draw(t, "unbound") == 0 {
			r.Unbound = append(r.Unbound, location.Unbound{ForwardingRule: "fr-" + gw, Address: netip.MustParseAddrPort("127.0.0.1:80"), Text: "in use"})
		}
		if w.lookup("forwarding_rule", "fr-"+gw) != nil && rapid.IntRange(0, 3).Draw(t, "elsewhere") == 0 {
			r.Elsewhere = append(r.Elsewhere, location.Elsewhere{
				ForwardingRule: "fr-" + gw, Requested: netip.MustParseAddrPort("127.0.0.1:81"), Actual: netip.MustParseAddrPort("127.0.0.1:10081"), Text: "in use",
			})
		}
		if w.lookup("url_map", "um-"+gw) != nil && rapid.IntRange(0, 3).Draw(t, "refused") == 0 {
			r.Refused = append(r.Refused, config.Refusal{Kind: "url_map", Name: "um-" + gw, Reason: "no"})
		}
	}
	return r
}

func TestALateLocationIsNotWaitedForAgain(t *testing.T) {
	p := NewProgress(func(string, string) *lbv1.Resource { return nil })
	p.Open("a")
	p.Open("b")
	p.Publish(&lbv1.Transaction{Seq: 1})
	p.Report(location.Report{Location: "a", Seq: 1})
	if p.Settled() {
		t.Fatal("settled before b")
	}
	p.Hurry()
	p.Publish(&lbv1.Transaction{Seq: 2})
	if p.Settled() {
		t.Error("settled before a has the second")
	}
	p.Report(location.Report{Location: "a", Seq: 2})
	if !p.Settled() {
		t.Error("b is waited for again")
	}
	p.Report(location.Report{Location: "b", Seq: 2})
	p.Publish(&lbv1.Transaction{Seq: 3})
	p.Report(location.Report{Location: "a", Seq: 3})
	if p.Settled() {
		t.Error("b has caught up, and is not waited for")
	}
}

// TestTheLogIsBounded publishes for ever, to a location that hangs and then to one that comes late.
func TestTheLogIsBounded(t *testing.T) {
	model := map[string]*lbv1.Resource{}
	p := NewProgress(func(kind, name string) *lbv1.Resource { return model[kind+" "+name] })
	publish := func(from, to uint64, each func(seq uint64)) {
		for seq := from; seq <= to; seq++ {
			r := resource("bs", fmt.Sprint(seq%10), "", int(seq), nil)
			p.Publish(&lbv1.Transaction{Seq: seq, Upserts: []*lbv1.Resource{r}})
			model[keyOf(r)] = r
			each(seq)
		}
		if len(p.log) > 2*slack {
			t.Errorf("the log has %d touches of 10 owners", len(p.log))
		}
	}
	p.Open("a")
	publish(1, 20000, func(uint64) {})
	p.Changes(true)
	p.Report(location.Report{Location: "a", Seq: 20000})
	if got := len(p.Changes(true)); got != 10 {
		t.Errorf("%d owners heard of the acknowledgement, want 10", got)
	}
	publish(20001, 40000, func(seq uint64) { p.Report(location.Report{Location: "a", Seq: seq}) })
	p.Open("b")
	p.Changes(true)
	p.Report(location.Report{Location: "b", Seq: 40000})
	if got := len(p.Changes(true)); got != 10 {
		t.Errorf("%d owners heard that the new location has everything, want 10", got)
	}
}

// TestCountsAreToldNowAndThen where many wait for proxies; that all have it, or one refuses it, is told at once, and so are counts of few.
func TestCountsAreToldNowAndThen(t *testing.T) {
	model := map[string]*lbv1.Resource{}
	p := NewProgress(func(kind, name string) *lbv1.Resource { return model[kind+" "+name] })
	regions := []string{"r1", "r2", "r3"}
	tx := &lbv1.Transaction{Seq: 1}
	for i := range 2 * manyCounts {
		tx.Upserts = append(tx.Upserts, resource("fr", fmt.Sprint("g", i), "", 1, regions))
	}
	p.Publish(tx)
	for _, r := range tx.GetUpserts() {
		model[keyOf(r)] = r
	}
	for _, region := range regions {
		p.Open(region)
	}
	expect := func(what string, exact bool, changes int, counting bool, text string) {
		t.Helper()
		got := p.Changes(exact)
		if len(got) != changes || p.Counting() != counting {
			t.Errorf("%s: %d changes, counting %t", what, len(got), p.Counting())
		}
		for _, c := range got {
			if said := c.Value.(fact.Progress).String(); said != text {
				t.Errorf("%s: %s %q", what, c.Fact.Key, said)
			}
		}
	}
	expect("published", false, 2*manyCounts, false, "0 of 3 proxies have it")
	p.Report(location.Report{Location: "r1", Seq: 1})
	expect("the first proxy", false, 0, true, "")
	p.Report(location.Report{Location: "r2", Seq: 1, Refused: []config.Refusal{{Kind: "forwarding_rule", Name: "fr-g0", Reason: "no"}}})
	expect("a refusal", false, 1, true, "the proxy in r2 refuses it: forwarding_rule fr-g0: no")
	expect("now and then", true, 2*manyCounts-1, false, "2 of 3 proxies have it")
	p.Report(location.Report{Location: "r2", Seq: 1})
	p.Report(location.Report{Location: "r3", Seq: 1})
	expect("all have it", false, 2*manyCounts, false, "3 of 3 proxies have it")
	p.Publish(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{resource("fr", "g1", "", 2, regions)}})
	expect("one is edited", false, 1, false, "0 of 3 proxies have it")
	p.Report(location.Report{Location: "r1", Seq: 2})
	expect("few are counted at once", false, 1, false, "1 of 3 proxies have it")
}

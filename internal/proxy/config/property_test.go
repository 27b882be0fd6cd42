package config

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Transactions one after the other, refused ones among them, lead to the same state as their sum at once.
func TestIncrementalIsFromScratch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := New(west)
		has := map[key]*lbv1.Resource{}
		for range rapid.IntRange(1, 12).Draw(rt, "transactions") {
			tx, after := drawTransaction(rt, has)
			next, err := r.Apply(tx)
			if err != nil {
				continue
			}
			r, has = next, after
		}
		var all []*lbv1.Resource
		for _, res := range has {
			all = append(all, res)
		}
		scratch, err := New(west).Apply(upsert(all...))
		if err != nil {
			rt.Fatalf("refused from scratch: %v", err)
		}
		if got, want := describe(r), describe(scratch); got != want {
			rt.Fatalf("incremental:\n%s\nfrom scratch:\n%s", got, want)
		}
	})
}

func drawTransaction(rt *rapid.T, has map[key]*lbv1.Resource) (*lbv1.Transaction, map[key]*lbv1.Resource) {
	after := map[key]*lbv1.Resource{}
	for k, v := range has {
		after[k] = v
	}
	tx := &lbv1.Transaction{}
	seen := map[key]bool{}
	if len(has) == 0 || rapid.IntRange(0, 5).Draw(rt, "all") == 0 { // else hardly anything resolves
		for _, res := range store() {
			k := key{kindOf(res), res.GetName()}
			seen[k], after[k] = true, res
			tx.Upserts = append(tx.Upserts, res)
		}
	}
	for range rapid.IntRange(1, 6).Draw(rt, "changes") {
		res := drawResource(rt)
		k := key{kindOf(res), res.GetName()}
		if seen[k] {
			continue
		}
		seen[k] = true
		if rapid.IntRange(0, 2).Draw(rt, "delete") == 0 {
			delete(after, k)
			without(tx, k.kind+" "+k.name)
		} else {
			after[k] = res
			tx.Upserts = append(tx.Upserts, res)
		}
	}
	return tx, after
}

func drawResource(rt *rapid.T) *lbv1.Resource {
	n := func(label string, hi int) int { return rapid.IntRange(0, hi).Draw(rt, label) }
	name := func(list ...string) string { return rapid.SampledFrom(list).Draw(rt, "name") }
	switch n("kind", 9) {
	case 0:
		return rule(name("store.example.com", "*", "*.example.com"), fmt.Sprint(n("precedence", 3)), name("/", "/west", "/a"), name("west", "all", "extra"))
	case 1:
		return service(name("west", "all", "extra"), name("neg-west", "neg-east"))
	case 2:
		return check(name("west", "all", "extra"))
	case 3:
		return group(name("neg-west", "neg-east"), uint32(n("shards", 2)))
	case 4:
		return shard(name("neg-west", "neg-east"), uint32(n("index", 1)), n("endpoint", 5), 6+n("endpoint", 5))
	case 5:
		return weights(name("west", "all"), name("us-west1", "us-east1"), &lbv1.GroupWeight{Group: "neg-west", Priority: uint32(n("priority", 1)), Weight: 5})
	case 6:
		return urlMap(rapid.SampledFrom([][]string{{"*"}, {"*", "b"}, {"b"}}).Draw(rt, "listeners")...)
	case 7:
		return targetProxy(name("proxy", "other"))
	case 8:
		return abort(name("serve404", "extra"), uint32(404+n("status", 1)))
	}
	return forwardingRule(name("fr", "fr2"), uint32(80+n("port", 1)), &lbv1.Vip{Address: "127.0.0.1"})
}

// describe tells what a proxy would do with every request that the test knows.
func describe(r *Root) string {
	out := fmt.Sprintln("entries", r.entries.Len(), "uses", r.uses.Len(), "frontends", r.Frontends())
	for _, name := range []string{"proxy", "other"} {
		p := r.TargetProxy(name)
		if p == nil {
			continue
		}
		out += fmt.Sprintln(name, p.Map.Listeners(), r.Service(p.DefaultService).Name)
	}
	if r.TargetProxy("proxy") != nil {
		for _, host := range []string{"store.example.com", "x.example.com", "other"} {
			for _, path := range []string{"/", "/west", "/a/b"} {
				out += fmt.Sprintln(host, path, route(r, host, path))
			}
		}
	}
	for _, name := range []string{"west", "all", "extra", "serve404"} {
		s := r.ServiceByName(name)
		if s == nil {
			continue
		}
		for i := range 12 {
			r.SetHealth(s.Check(), endpointAt(i), lbv1.HealthState_HEALTHY)
		}
		out += fmt.Sprintln(name, s.AbortStatus, s.Check(), s.Shares(0))
		for _, e := range s.Endpoints() {
			out += fmt.Sprintln(" ", e.Endpoint.Address, e.Endpoint.Group, e.State)
		}
	}
	return out
}

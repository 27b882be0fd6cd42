package translate_test

import (
	"fmt"
	"slices"
	"testing"

	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestIngressOfOthersIsDeletedByOthers: nothing is written to an Ingress that is being deleted unless it is ours, or was.
func TestIngressOfOthersIsDeletedByOthers(t *testing.T) {
	for _, c := range []struct {
		class, finalizer string
		ours             bool
	}{
		{"gce", "example.com/theirs", true},
		{"nginx", "example.com/theirs", false},
		{"nginx", "networking.gke.io/ingress-finalizer-V2", true},
	} {
		in := ingressOf("in")
		in.Annotations = map[string]string{"kubernetes.io/ingress.class": c.class}
		in.DeletionTimestamp, in.Finalizers = &in.CreationTimestamp, []string{c.finalizer}
		round := newWorld().commit(t, func(tx *store.Tx) {
			tx.Put("c", cluster("c", "us-west1"), "")
			tx.Put("c", in, "")
		})
		wrote := slices.ContainsFunc(round.Writes, func(w recompute.WriteChange) bool { return w.Ref == store.RefTo("c", in) })
		if wrote != c.ours {
			t.Errorf("class %s, finalizer %s: written to it: %t", c.class, c.finalizer, wrote)
		}
	}
}

// TestManyWildcards: an Ingress with as many wildcards as paths without a host has as many rules as it has paths, each host is
// answered by its own rules, and only one that no wildcard stands for by those without a host.
func TestManyWildcards(t *testing.T) {
	const n = 1500
	to := ingressv1.IngressBackend{Service: &ingressv1.IngressServiceBackend{Name: "s0", Port: ingressv1.ServiceBackendPort{Number: 80}}}
	exactly := ingressv1.PathTypeExact
	in := ingressOf("in")
	anyHost := &ingressv1.HTTPIngressRuleValue{}
	for i := range n {
		in.Spec.Rules = append(in.Spec.Rules, ingressv1.IngressRule{
			Host: fmt.Sprintf("*.w%d.test", i),
			IngressRuleValue: ingressv1.IngressRuleValue{HTTP: &ingressv1.HTTPIngressRuleValue{
				Paths: []ingressv1.HTTPIngressPath{{Path: "/", PathType: ptr(ingressv1.PathTypePrefix), Backend: to}},
			}},
		})
		anyHost.Paths = append(anyHost.Paths, ingressv1.HTTPIngressPath{Path: fmt.Sprint("/p", i), PathType: &exactly, Backend: to})
	}
	in.Spec.Rules = append(in.Spec.Rules, ingressv1.IngressRule{IngressRuleValue: ingressv1.IngressRuleValue{HTTP: anyHost}})
	w := newWorld()
	round := w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", service("store", "s0", 80), "")
		tx.Put("c", in, "")
	})
	rules, proxyName := 0, ""
	for _, r := range round.Tx.GetUpserts() {
		if r.GetRouteRule() != nil {
			rules++
		}
		if r.GetTargetProxy() != nil {
			proxyName = r.GetName()
		}
	}
	if rules != 2*n {
		t.Fatalf("%d rules of %d paths", rules, 2*n)
	}
	root, err := config.NewWith(config.Location{}, chains.Compiler{}.Provider()).Apply(round.Tx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, path, want string }{
		{"a.w7.test", "/p7", "7/0"},
		{"a.w1499.test", "/", "1499/0"},
		{"a.b.w7.test", "/p8", "1500/8"},
		{"w7.test", "/p8", "1500/8"},
		{"elsewhere.test", "/p1499", "1500/1499"},
		{"a.b.w7.test", "/other", ""},
	} {
		got := ""
		if r := root.TargetProxy(proxyName).Map.Match(&message.Request{Method: []byte("GET"), Authority: []byte(c.host), Path: []byte(c.path)}); r != nil {
			got = r.RuleName
		}
		if got != c.want {
			t.Errorf("%s%s: rule %q, want %q", c.host, c.path, got, c.want)
		}
	}
}

// ingressOf is an Ingress of class gce that sends nowhere.
func ingressOf(name string) *ingressv1.Ingress {
	return &ingressv1.Ingress{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: meta("store", name)}
}

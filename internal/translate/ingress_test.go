package translate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
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

// TestWhatChangesOfAnIngress: what is served otherwise than was told last is an event, once; the state of the backend services is an
// annotation that follows its fact.
func TestWhatChangesOfAnIngress(t *testing.T) {
	in := ingressOf("in")
	in.Spec.DefaultBackend = &ingressv1.IngressBackend{Service: &ingressv1.IngressServiceBackend{Name: "s0", Port: ingressv1.ServiceBackendPort{Number: 80}}}
	in.Spec.TLS = []ingressv1.IngressTLS{{SecretName: "tls"}}
	ref := store.RefTo("c", in)
	w, written, told := newWorld(), map[string]string{}, []string{}
	step := func(edit func(tx *store.Tx)) {
		t.Helper()
		told = nil
		for range 3 { // statuses are written, and read again
			round := w.commit(t, edit)
			edit = func(tx *store.Tx) {
				tx.Write(ref, &store.Written{Annotations: written, Status: &ingressv1.IngressStatus{}})
			}
			for _, c := range round.Writes {
				switch {
				case c.Ref != ref || c.Removed:
				case c.Part == recompute.PartAnnotations:
					written = c.Value.(map[string]string)
				case c.Part == recompute.PartEvent && c.Value.(recompute.Event).Cause == "changed":
					told = append(told, c.Value.(recompute.Event).Message)
				}
			}
		}
	}
	expect := func(what string, want ...string) {
		t.Helper()
		slices.Sort(told)
		if !slices.Equal(told, want) {
			t.Errorf("%s: told %q, want %q", what, told, want)
		}
	}
	step(func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", service("store", "s0", 80), "")
		tx.Put("c", tlsSecret(t, "tls"), "")
		tx.Put("c", in, "")
	})
	expect("a new one")
	const backends = "ingress.kubernetes.io/backends"
	name := w.backendOf(t, "s0")
	if got, want := written[backends], `{"`+name+`":"Unknown"}`; got != want {
		t.Errorf("backends: %s, want %s", got, want)
	}
	step(func(tx *store.Tx) { tx.SetFact(fact.BackendState(name), "HEALTHY") })
	expect("a backend is healthy")
	if got, want := written[backends], `{"`+name+`":"HEALTHY"}`; got != want {
		t.Errorf("backends: %s, want %s", got, want)
	}
	proxy, proxyTLS := written["ingress.kubernetes.io/target-proxy"], written["ingress.kubernetes.io/https-target-proxy"]
	step(func(tx *store.Tx) { tx.Put("c", tlsSecret(t, "tls"), "") })
	expect("a renewed certificate", fmt.Sprintf("TargetProxy %q certs updated", proxyTLS))
	redirected := in.DeepCopy()
	redirected.Annotations = map[string]string{"networking.gke.io/v1beta1.FrontendConfig": "redirect"}
	config := &networkingv1beta1.FrontendConfig{TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1beta1", Kind: "FrontendConfig"}, ObjectMeta: meta("store", "redirect")}
	config.Spec.RedirectToHttps = &networkingv1beta1.HttpsRedirectConfig{Enabled: true}
	step(func(tx *store.Tx) { tx.Put("c", config, ""); tx.Put("c", redirected, "") })
	expect("redirected", fmt.Sprintf("TargetProxy %q updated", proxy))
	rule, ruleTLS := written["ingress.kubernetes.io/forwarding-rule"], written["ingress.kubernetes.io/https-forwarding-rule"]
	only := redirected.DeepCopy()
	only.Annotations["kubernetes.io/ingress.allow-http"] = "false"
	step(func(tx *store.Tx) { tx.Put("c", only, "") })
	expect("without HTTP", fmt.Sprintf("ForwardingRule %q deleted", rule))
	plain := in.DeepCopy()
	plain.Spec.TLS = nil
	step(func(tx *store.Tx) { tx.Put("c", plain, "") })
	expect("without TLS", fmt.Sprintf("ForwardingRule %q deleted", ruleTLS))
	step(func(tx *store.Tx) { tx.SetFact(fact.BackendState(name), nil) })
	expect("nothing")
}

// backendOf is the name of the one backend service of a Service of namespace store.
func (w *world) backendOf(t *testing.T, service string) string {
	t.Helper()
	for _, r := range w.engine.Resources() {
		if strings.HasPrefix(r.GetBackendService().GetTarget(), "store/"+service+":") {
			return r.GetName()
		}
	}
	t.Fatalf("no backend service of %s", service)
	return ""
}

// TestAddressWithoutReservation: an Ingress whose address nobody reserves any more keeps it, and says so; a new one gets none.
func TestAddressWithoutReservation(t *testing.T) {
	in := ingressOf("in")
	in.Annotations = map[string]string{"kubernetes.io/ingress.global-static-ip-name": "mine"}
	in.Spec.DefaultBackend = &ingressv1.IngressBackend{Service: &ingressv1.IngressServiceBackend{Name: "s0", Port: ingressv1.ServiceBackendPort{Number: 80}}}
	configuration := &spillwayv1alpha1.Configuration{TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Configuration"}, ObjectMeta: meta("", "default")}
	configuration.Spec.Addresses = []spillwayv1alpha1.NamedAddress{{Name: "mine", Address: "127.9.9.9"}}
	w := newWorld()
	addresses := func() (out []string) {
		for _, r := range w.engine.Resources() {
			for _, vip := range r.GetForwardingRule().GetVips() {
				out = append(out, vip.GetAddress())
			}
		}
		return out
	}
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", service("store", "s0", 80), "")
		tx.Put("c", in, "")
	})
	if got := addresses(); len(got) > 0 {
		t.Errorf("an address that nobody reserved: %v", got)
	}
	w.commit(t, func(tx *store.Tx) { tx.Put("", configuration, "") })
	if got := addresses(); !slices.Equal(got, []string{"127.9.9.9"}) {
		t.Errorf("reserved: %v", got)
	}
	w.commit(t, func(tx *store.Tx) {
		status := &ingressv1.IngressStatus{}
		status.LoadBalancer.Ingress = []ingressv1.IngressLoadBalancerIngress{{IP: "127.9.9.9"}}
		tx.Write(store.RefTo("c", in), &store.Written{Status: status})
		tx.Delete(store.RefTo("", configuration))
	})
	if got := addresses(); !slices.Equal(got, []string{"127.9.9.9"}) {
		t.Errorf("no longer reserved: %v", got)
	}
}

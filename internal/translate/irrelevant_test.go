package translate_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

func nodeOf(name string, heartbeat int64) *corev1.Node {
	n := &corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: meta("", name)}
	n.Labels = map[string]string{corev1.LabelTopologyZone: "us-west1-a", corev1.LabelTopologyRegion: "us-west1"}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Unix(heartbeat, 0)}}
	return n
}

func sliceOf(service string, addresses ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"}, ObjectMeta: meta("store", service+"-1"),
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	node, port, name, ready := "n0", int32(8080), "p80", true
	s.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}, NodeName: &node, Conditions: discoveryv1.EndpointConditions{Ready: &ready}})
	}
	return s
}

// busyFleet has some of everything that changes all day.
func busyFleet(tx *store.Tx) {
	tx.Put("c", cluster("c", "us-west1"), "")
	tx.Put("c", gatewayOf("gke-l7-global-external-managed", httpListener("http", "", 80)), "")
	for i := range 10 {
		tx.Put("c", nodeOf(fmt.Sprint("n", i), 0), "")
	}
	for i := range 20 {
		name := fmt.Sprint("s", i)
		tx.Put("c", service("store", name, 80), "")
		tx.Put("c", sliceOf(name, fmt.Sprintf("10.0.%d.1", i), fmt.Sprintf("10.0.%d.2", i)), "")
		tx.Put("c", route(fmt.Sprint("r", i), nil, name), "")
	}
}

func total(runs map[string]int) (n int) {
	for _, of := range runs {
		n += of
	}
	return n
}

// TestIrrelevantEventsCostNothing: what an API server sends all day makes no transaction, no write, and no run but where
// something is different that a unit has to look at.
func TestIrrelevantEventsCostNothing(t *testing.T) {
	const events, labels = 10_000, 500
	runs := map[string]int{}
	w := newWorld()
	w.engine = recompute.New(counted(runs))
	w.commit(t, busyFleet)
	foreign := func(i int) gatewayv1.RouteStatus {
		return gatewayv1.RouteStatus{Parents: []gatewayv1.RouteParentStatus{{ControllerName: gatewayv1.GatewayController(fmt.Sprint("example.com/", i))}}}
	}
	for _, c := range []struct {
		what    string
		event   func(tx *store.Tx, i int)
		commits bool // something that is not read has changed
		most    int  // runs, of all events together
	}{
		{"heartbeats of Nodes", func(tx *store.Tx, i int) { tx.Put("c", nodeOf(fmt.Sprint("n", i%10), int64(i+1)), "") }, false, 0},
		{"annotations of Nodes", func(tx *store.Tx, i int) {
			n := nodeOf(fmt.Sprint("n", i%10), 0)
			n.Annotations = map[string]string{"example.com/flap": fmt.Sprint(i)}
			tx.Put("c", n, "")
		}, false, 0},
		{"images of Nodes", func(tx *store.Tx, i int) {
			n := nodeOf(fmt.Sprint("n", i%10), 0)
			n.Status.Images = []corev1.ContainerImage{{SizeBytes: int64(i)}}
			tx.Put("c", n, "")
		}, true, 0},
		{"metadata of EndpointSlices", func(tx *store.Tx, i int) {
			s := sliceOf(fmt.Sprint("s", i%20), fmt.Sprintf("10.0.%d.1", i%20), fmt.Sprintf("10.0.%d.2", i%20))
			s.Annotations = map[string]string{"endpoints.kubernetes.io/last-change-trigger-time": fmt.Sprint(i)}
			s.ResourceVersion = fmt.Sprint(i)
			tx.Put("c", s, "")
		}, false, 0},
		{"managedFields", func(tx *store.Tx, i int) {
			r := route(fmt.Sprint("r", i%20), nil, fmt.Sprint("s", i%20))
			r.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: fmt.Sprint(i)}}
			tx.Put("c", r, "")
		}, false, 0},
		{"foreign statuses", func(tx *store.Tx, i int) {
			r := route(fmt.Sprint("r", i%20), nil, fmt.Sprint("s", i%20))
			r.Status.RouteStatus = foreign(i)
			tx.Put("c", r, "")
		}, true, 0},
		// A label may be one that somebody selects by: the units of that slice look, and find the same.
		{"labels of one EndpointSlice", func(tx *store.Tx, i int) {
			s := sliceOf("s3", "10.0.3.1", "10.0.3.2")
			s.Labels["example.com/noise"] = fmt.Sprint(i % labels)
			tx.Put("c", s, "")
		}, true, 3 * labels},
	} {
		clear(runs)
		before := w.store.Snapshot().Revision()
		n := events
		if c.most > 0 {
			n = labels
		}
		for i := range n {
			round := w.commit(t, func(tx *store.Tx) { c.event(tx, i) })
			if round.Tx != nil || len(round.Writes) > 0 {
				t.Fatalf("%s: transaction %v, writes %v", c.what, round.Tx, round.Writes)
			}
		}
		if committed := w.store.Snapshot().Revision() != before; committed != c.commits {
			t.Errorf("%s: commits: %t", c.what, committed)
		}
		if n := total(runs); n > c.most {
			t.Errorf("%s ran %d units: %v", c.what, n, runs)
		}
	}
}

// TestAPodRunsTheUnitsOfItsServiceOnly: its groups, their sizes, and the weights that follow from these.
func TestAPodRunsTheUnitsOfItsServiceOnly(t *testing.T) {
	runs := map[string]int{}
	w := newWorld()
	w.engine = recompute.New(countedByKey(runs))
	w.commit(t, busyFleet)
	for i, addresses := range [][]string{{"10.0.3.1", "10.0.3.2", "10.0.3.3"}, {"10.0.3.1"}} {
		clear(runs)
		round := w.commit(t, func(tx *store.Tx) { tx.Put("c", sliceOf("s3", addresses...), "") })
		if round.Tx == nil || len(round.Writes) > 0 {
			t.Errorf("step %d: transaction %v, writes %v", i, round.Tx, round.Writes)
		}
		for unit := range runs {
			if !slices.Contains(ofPods, kindOfRun(unit)) {
				t.Errorf("step %d: %s ran", i, unit)
			}
		}
		if len(runs) > 8 {
			t.Errorf("step %d ran %d units: %v", i, len(runs), runs)
		}
	}
}

// TestWhatIsNotListedYetIsNotGone: after a restart, units that enumerate hold until their lists are there.
func TestWhatIsNotListedYetIsNotGone(t *testing.T) {
	w := newWorld()
	w.commit(t, func(tx *store.Tx) {
		busyFleet(tx)
		tx.Put("c", export("s0"), "")
		extendedFleet(tx)
		containerNative(t, tx)
	})
	for _, listed := range []string{
		kind.EndpointSlice, "Node", "ServiceExport.net.gke.io", kind.HealthCheckPolicy, kind.GCPBackendPolicy, kind.BackendTLSPolicy, kind.GCPGatewayPolicy,
		kind.GCPTrafficExtension, kind.Pod, kind.ConfigMap, kind.Secret, kind.IngressClass,
	} {
		nothingChangesWithout(t, w, fact.Listed("c", listed), listed)
	}
}

// extendedFleet has a policy of each kind that backends and Gateways have, and an extension.
func extendedFleet(tx *store.Tx) {
	target := func(of, name string) networkingv1.PolicyTargetReference {
		r := networkingv1.PolicyTargetReference{Kind: of, Name: name}
		if of == "Gateway" {
			r.Group = gatewayv1.GroupName
		}
		return r
	}
	typed := func(k, version string) metav1.TypeMeta { return metav1.TypeMeta{Kind: k, APIVersion: version} }
	const google = "networking.gke.io/v1"
	interval, timeout := int64(7), int64(9)
	check := &networkingv1.HealthCheckPolicy{TypeMeta: typed("HealthCheckPolicy", google), ObjectMeta: meta("store", "check")}
	check.Spec.TargetRef = target("Service", "s0")
	check.Spec.Default = &networkingv1.HealthCheckPolicyConfig{CheckIntervalSec: &interval}
	tx.Put("c", check, "")
	settings := &networkingv1.GCPBackendPolicy{TypeMeta: typed("GCPBackendPolicy", google), ObjectMeta: meta("store", "settings")}
	settings.Spec.TargetRef = target("Service", "s1")
	settings.Spec.Default = &networkingv1.GCPBackendPolicyConfig{TimeoutSec: &timeout}
	tx.Put("c", settings, "")
	system := gatewayv1.WellKnownCACertificatesSystem
	tls := &gatewayv1.BackendTLSPolicy{TypeMeta: typed("BackendTLSPolicy", "gateway.networking.k8s.io/v1"), ObjectMeta: meta("store", "tls")}
	tls.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: "s2"}}}
	tls.Spec.Validation = gatewayv1.BackendTLSPolicyValidation{Hostname: "a.test", WellKnownCACertificates: &system}
	tx.Put("c", tls, "")
	gateway := &networkingv1.GCPGatewayPolicy{TypeMeta: typed("GCPGatewayPolicy", google), ObjectMeta: meta("store", "gateway")}
	gateway.Spec.TargetRef = target("Gateway", "web")
	gateway.Spec.Default = &networkingv1.GCPGatewayPolicyConfig{}
	tx.Put("c", gateway, "")
	h2c, authority := "kubernetes.io/h2c", "a"
	callout := service("store", "callout", 443)
	callout.Spec.Ports[0].AppProtocol = &h2c
	tx.Put("c", callout, "")
	tx.Put("c", sliceOf("callout", "10.0.9.9"), "")
	port := int32(443)
	x := &networkingv1.GCPTrafficExtension{TypeMeta: typed("GCPTrafficExtension", google), ObjectMeta: meta("store", "extension")}
	x.Spec.TargetRefs = []networkingv1.LocalPolicyTargetReference{{Group: gatewayv1.GroupName, Kind: "Gateway", Name: gateway.Spec.TargetRef.Name}}
	x.Spec.ExtensionChains = []networkingv1.ExtensionChain{{Name: "c", Extensions: []networkingv1.Extension{{
		Name: "e", Authority: &authority, BackendRef: &networkingv1.ExtensionServiceReference{Kind: "Service", Name: "callout", Port: &port},
	}}}}
	tx.Put("c", x, "")
}

// containerNative has a Service that asks for groups, the ConfigMap that says how they are called, and an Ingress with a class and a certificate.
func containerNative(t *testing.T, tx *store.Tx) {
	uid := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta("kube-system", "ingress-uid")}
	uid.Data = map[string]string{"uid": "abcdef12"}
	tx.Put("c", uid, "")
	web := service("store", "native", 80)
	web.Annotations = map[string]string{annotation.Name: `{"ingress":true,"exposed_ports":{"80":{}}}`}
	tx.Put("c", web, "")
	slice := sliceOf("native", "10.0.8.1")
	slice.Endpoints[0].TargetRef = &corev1.ObjectReference{Kind: "Pod", Name: "native"}
	tx.Put("c", slice, "")
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: meta("store", "native")}
	pod.Spec.NodeName, pod.Status.PodIP = "n0", "10.0.8.1"
	tx.Put("c", pod, "")
	class := &ingressv1.IngressClass{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "IngressClass"}, ObjectMeta: meta("", "ours")}
	class.Spec.Controller = object.Controller
	tx.Put("c", class, "")
	tx.Put("c", tlsSecret(t, "native"), "")
	in := &ingressv1.Ingress{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: meta("store", "native")}
	in.Spec.IngressClassName, in.Spec.TLS = &class.Name, []ingressv1.IngressTLS{{SecretName: "native"}}
	in.Spec.DefaultBackend = &ingressv1.IngressBackend{Service: &ingressv1.IngressServiceBackend{Name: "native", Port: ingressv1.ServiceBackendPort{Number: 80}}}
	tx.Put("c", in, "")
}

func tlsSecret(t *testing.T, name string) *corev1.Secret {
	s := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta("store", name), Type: corev1.SecretTypeTLS}
	s.Data = newPair(t)
	return s
}

// newPair is the data of a Secret with a new certificate and its key.
func newPair(t fataler) map[string][]byte {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatalf("key: %v", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"}, NotAfter: time.Now().Add(time.Hour)}
	chain, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatalf("certificate: %v", err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatalf("key: %v", err)
	}
	return map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
}

// restored is what an engine has published, as it comes back from a file.
func restored(t fataler, w *world) (uint64, map[recompute.ID]recompute.Published) {
	seq, units := w.engine.Published()
	b, err := persist.Encode(&persist.State{Seq: seq, Units: units})
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	s, err := persist.Decode(b, newObject)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	return s.Seq, s.Units
}

type fataler interface{ Fatalf(string, ...any) }

// newObject makes an object that a last good version can be.
func newObject(_, kind string) (store.Object, bool) {
	switch kind {
	case "Service":
		return &corev1.Service{}, true
	case "Secret":
		return &corev1.Secret{}, true
	case "ListenerSet":
		return &gatewayv1.ListenerSet{}, true
	case "GCPGatewayPolicy":
		return &networkingv1.GCPGatewayPolicy{}, true
	case "Ingress":
		return &ingressv1.Ingress{}, true
	case "IngressClass":
		return &ingressv1.IngressClass{}, true
	case "FrontendConfig":
		return &networkingv1beta1.FrontendConfig{}, true
	case "BackendConfig":
		return &cloudv1.BackendConfig{}, true
	case "ConfigMap":
		return &corev1.ConfigMap{}, true
	case "Namespace":
		return &corev1.Namespace{}, true
	case "ReferenceGrant":
		return &gatewayv1.ReferenceGrant{}, true
	case "HTTPRoute":
		return &gatewayv1.HTTPRoute{}, true
	case "GRPCRoute":
		return &gatewayv1.GRPCRoute{}, true
	case "Gateway":
		return &gatewayv1.Gateway{}, true
	case "GCPTrafficExtension":
		return &networkingv1.GCPTrafficExtension{}, true
	case "GCPRoutingExtension":
		return &networkingv1.GCPRoutingExtension{}, true
	case "GCPWasmPlugin":
		return &networkingv1.GCPWasmPlugin{}, true
	}
	return nil, false
}

package extension_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

const gatewayManifest = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: store}
spec:
  gatewayClassName: gke-l7-rilb
  listeners: [{name: http, protocol: HTTP, port: 80}]
`

const calloutManifest = `
apiVersion: v1
kind: Service
metadata: {name: callout, namespace: store}
spec: {selector: {app: callout}, ports: [{port: 443, appProtocol: HTTP2}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: callout-1, namespace: store, labels: {kubernetes.io/service-name: callout}}
addressType: IPv4
ports: [{port: 8443, protocol: TCP}]
endpoints: [{addresses: [10.0.0.1], zone: us-west1-a}]
`

const trafficManifest = `
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: traffic, namespace: store}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]
  extensionChains:
  - name: c
    matchCondition: {celExpressions: [{celMatcher: 'request.path == "/x"'}]}
    extensions: [{name: e, authority: a, backendRef: {name: callout, port: 443}}]
`

// world is a control plane without data planes: what it publishes is taken by nobody, so Programmed is at best Unknown.
type world struct {
	t      *testing.T
	loader *manifests.Loader
	store  *store.Store
	sub    *store.Subscription
	engine *recompute.Engine
	// runs counts by unit kind since it was cleared.
	runs   map[string]int
	writes map[string]recompute.WriteChange
	// resources are those that are published, by "KIND NAME".
	resources map[string]*lbv1.Resource
	at        int
}

func newWorld(t *testing.T, files ...string) *world {
	w := &world{
		t: t, loader: manifests.NewLoader(), store: store.New(translate.Indexes()...), runs: map[string]int{},
		writes: map[string]recompute.WriteChange{}, resources: map[string]*lbv1.Resource{},
	}
	config := translate.Config(translate.Options{Traffic: translate.Proximity()})
	for unit, translator := range config.Units {
		config.Units[unit] = func(v *recompute.View, key string) recompute.Result {
			w.runs[unit]++
			return translator(v, key)
		}
	}
	w.engine, w.sub = recompute.New(config), w.store.Subscribe()
	for i, text := range files {
		w.load(fmt.Sprint(i, ".yaml"), text)
	}
	return w
}

// load reads a file; an empty one deletes what it held.
func (w *world) load(path, text string) {
	w.t.Helper()
	w.at++
	delta := w.loader.Load([]manifests.Event{{Path: path, Data: []byte(text), Gone: text == ""}}, time.Date(2026, 1, 1, 0, 0, w.at, 0, time.UTC))
	if manifests.HasErrors(delta.Problems) {
		w.t.Fatal(delta.Problems)
	}
	w.commit(delta.Apply)
}

func (w *world) fact(f store.Fact, value any) {
	w.commit(func(tx *store.Tx) { tx.SetFact(f, value) })
}

func (w *world) commit(f func(*store.Tx)) {
	w.t.Helper()
	w.store.Commit(f)
	round := w.engine.Run(w.sub.Take())
	for _, p := range round.Problems {
		w.t.Errorf("problem: %v", p)
	}
	for _, r := range round.Tx.GetUpserts() {
		k := lbv1.KeyOf(r)
		w.resources[k.GetKind()+" "+k.GetName()] = r
	}
	for _, k := range round.Tx.GetDeletes() {
		delete(w.resources, k.GetKind()+" "+k.GetName())
	}
	for _, c := range round.Writes {
		key := c.Ref.String() + " " + string(c.Part) + " " + c.Key
		if w.writes[key] = c; c.Removed {
			delete(w.writes, key)
		}
	}
}

// resource is one that is published; nil if there is none.
func (w *world) resource(of, name string) *lbv1.Resource { return w.resources[of+" "+name] }

// condition is one of an object's first ancestor: STATUS REASON MESSAGE, "" if there is none.
func (w *world) condition(of, name, condition string) string {
	ref := store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: of, Namespace: "store", Name: name}
	status, _ := w.writes[ref.String()+" "+string(recompute.PartStatus)+" "].Value.(*gatewayv1.PolicyStatus)
	if status == nil || len(status.Ancestors) == 0 {
		return ""
	}
	for _, c := range status.Ancestors[0].Conditions {
		if c.Type == condition {
			return strings.TrimSpace(string(c.Status) + " " + c.Reason + " " + c.Message)
		}
	}
	return ""
}

func (w *world) traffic(condition string) string {
	return w.condition(kind.GCPTrafficExtension, "traffic", condition)
}

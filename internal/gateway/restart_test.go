package gateway_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

const goodRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: default}
spec: {selector: {app: a}, ports: [{name: main, port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: default}
spec:
  parentRefs: [{name: web}]
  rules:
  - {matches: [{path: {value: /good}}], backendRefs: [{name: a, port: 80}]}
`

// TestFallBackOutlivesARestart: a route whose edit is partly invalid serves and says the same before and after.
func TestFallBackOutlivesARestart(t *testing.T) {
	w := newScenarioWorld(t, "show: status")
	edit := func(text string) {
		w.step([]manifests.Event{{Path: "a.yaml", Data: []byte(text), ModTime: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}})
	}
	edit(goodRoute)
	edit(goodRoute + `  - {matches: [{path: {type: RegularExpression, value: "("}}], backendRefs: [{name: a, port: 80}]}` + "\n")
	before := statusAndRules(t, w.engine, w.writes)
	if !strings.Contains(before, "Fall Back to generation 1: rule 2 (spec.rules[1].matches[0].path.value)") || strings.Count(before, "/good") != 1 {
		t.Fatalf("before the restart: %s", before)
	}
	config := translate.Config(translate.Options{Traffic: translate.Proximity()})
	config.Seq, config.Published = w.engine.Published()
	restarted := recompute.New(config)
	round := restarted.Run(w.store.Subscribe().Take())
	writes := map[string]recompute.WriteChange{}
	for _, c := range round.Writes {
		writes[c.Ref.String()+" "+string(c.Part)+" "+c.Key] = c
	}
	if after := statusAndRules(t, restarted, writes); after != before {
		t.Errorf("before the restart:\n%s\nafter it:\n%s", before, after)
	}
	if len(round.Tx.GetUpserts())+len(round.Tx.GetDeletes()) > 0 {
		t.Errorf("a restart changes %v", round.Tx)
	}
}

func statusAndRules(t *testing.T, e *recompute.Engine, writes map[string]recompute.WriteChange) string {
	w := &world{t: t, engine: e, writes: writes, show: map[string]bool{"status": true, "route_rule": true}, only: map[string]bool{"r": true}}
	var out bytes.Buffer
	w.print(&out)
	return out.String()
}

// TestWhatIsNotListedAtARestartIsServedOn: whichever kind is still on its way, and all that the cluster has, nothing goes; what is
// not in its list after all goes.
func TestWhatIsNotListedAtARestartIsServedOn(t *testing.T) {
	custom := "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: mine}\nspec: {controllerName: " + kind.GKEController + "}\n---\n"
	for name, missing := range map[string][]string{
		"gateways":            {kind.Gateway},
		"classes":             {kind.GatewayClass},
		"routes":              {kind.HTTPRoute},
		"services":            {kind.Service},
		"gateways and routes": {kind.Gateway, kind.HTTPRoute},
		"all":                 {kind.Gateway, kind.GatewayClass, kind.HTTPRoute, kind.Service},
	} {
		t.Run(name, func(t *testing.T) {
			w := newScenarioWorld(t, "show: status")
			text := custom + strings.Replace(goodRoute, "gke-l7-global-external-managed", "mine", 1)
			w.step([]manifests.Event{{Path: "a.yaml", Data: []byte(text), ModTime: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}})
			was := resourceNames(w.engine)
			if len(was) < 5 {
				t.Fatalf("only %v are published", was)
			}
			config := translate.Config(translate.Options{Traffic: translate.Proximity()})
			config.Seq, config.Published = w.engine.Published()
			restarted := recompute.New(config)
			objects := map[store.Ref]store.Object{}
			w.store.Commit(func(tx *store.Tx) {
				for _, of := range missing {
					tx.SetFact(fact.Listed("default", of), false)
					tx.Walk(of, "", "", func(e *store.Entry) bool { objects[e.Ref] = e.Object; return true })
				}
				for ref := range objects {
					tx.Delete(ref)
				}
			})
			sub := w.store.Subscribe()
			round := restarted.Run(sub.Take())
			if deletes := round.Tx.GetDeletes(); len(deletes) > 0 {
				t.Fatalf("the restart drops %v", deletes)
			}
			if now := resourceNames(restarted); !slices.Equal(now, was) {
				t.Errorf("published were %v, now are %v", was, now)
			}
			// The same comes: nothing changes. It goes later: nothing stays.
			again := restarted.Fork()
			w.store.Commit(func(tx *store.Tx) {
				for _, of := range missing {
					tx.SetFact(fact.Listed("default", of), nil)
				}
			})
			gone := again.Run(sub.Take())
			if len(gone.Tx.GetDeletes()) == 0 {
				t.Errorf("what is not there after all stays: %v", resourceNames(again))
			}
			w.store.Commit(func(tx *store.Tx) {
				for _, o := range objects {
					tx.Put("default", o, "")
				}
			})
			all := recompute.New(config)
			if round := all.Run(w.store.Subscribe().Take()); len(round.Tx.GetDeletes())+len(round.Tx.GetUpserts()) > 0 {
				t.Errorf("a whole restart changes %v", round.Tx)
			}
		})
	}
}

func resourceNames(e *recompute.Engine) []string {
	var names []string
	for _, r := range e.Resources() {
		names = append(names, lbv1.KeyOf(r).GetKind()+" "+r.GetName())
	}
	return names
}

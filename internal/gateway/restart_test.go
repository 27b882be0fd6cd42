package gateway_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/recompute"
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

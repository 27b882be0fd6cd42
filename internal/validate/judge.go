package validate

import (
	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/trouble"
)

func objectName(ref store.Ref) string {
	if ref.Namespace == "" {
		return kind.Bare(ref.Kind) + " " + ref.Name
	}
	return kind.Bare(ref.Kind) + " " + ref.Namespace + "/" + ref.Name
}

// judge returns what is wrong with one object. Only kinds of load balancing count: what Pods lack shows in backends.
func (w *world) judge(e *store.Entry) []manifests.Problem {
	row, known := kind.Of(e.Ref.Kind)
	if !known || !row.Custom && e.Ref.Kind != kind.Ingress && e.Ref.Kind != kind.Service {
		return nil
	}
	var all []manifests.Problem
	for _, t := range trouble.Of(w.snapshot, e) {
		if c := t.Condition; c == nil {
			all = append(all, w.problemOf(e, manifests.Severity(t.Severity), t.Field, t.Rule, t.Text))
		} else if !aboutProxies(*c) {
			p := beginning(e, manifests.Severity(t.Severity), placeOf(*c), t.Rule, t.Text)
			w.places.at(&p, c)
			all = append(all, p)
		}
	}
	return all
}

// placeOf is the condition and where it stands.
func placeOf(c condition.Condition) string {
	if c.Where != "" {
		return c.Where + " " + c.State()
	}
	return c.State()
}

// aboutProxies says whether a condition waits for proxies, of which there are none here, or only sums others up.
func aboutProxies(c condition.Condition) bool {
	switch c.Type {
	case "Programmed", "Reconciled", "Ready", "networking.gke.io/GatewayHealthy":
		return true
	}
	return c.Reason == "Pending"
}

func textOf(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}

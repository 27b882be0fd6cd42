package view

import (
	"fmt"
	"slices"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/trouble"
)

const kindRouteRule = "route_rule"

// Troubles implements control.Source: what no condition says of objects.
func (s *Source) Troubles(q control.Query) []control.Troubles {
	snapshot := s.Store.Snapshot()
	down := s.Published.down(snapshot, s.Locations(), q.Kind)
	var all []control.Troubles
	snapshot.Walk(q.Kind, q.Cluster, q.Namespace, func(e *store.Entry) bool {
		if q.Name != "" && e.Ref.Name != q.Name || e.Ref.Kind == kind.Pod { // whose status shows it
			return true
		}
		var texts []string
		for _, t := range trouble.Of(snapshot, e) {
			if t.Condition == nil {
				texts = append(texts, t.String())
			}
		}
		if texts = append(texts, down[e.Ref]...); len(texts) > 0 {
			all = append(all, control.Troubles{Namespace: e.Ref.Namespace, Name: e.Ref.Name, Texts: texts})
		}
		return true
	})
	return all
}

// down are the ports without a healthy endpoint by the objects of a kind that it concerns: those whose ports they are, or
// routes that send there.
func (m *Model) down(snapshot *store.Snapshot, locations []string, of string) map[store.Ref][]string {
	out := map[store.Ref][]string{}
	add := func(ref store.Ref, text string) {
		if !slices.Contains(out[ref], text) {
			out[ref] = append(out[ref], text)
		}
	}
	switch of {
	case kind.Service, kind.ServiceImport:
		for _, b := range m.backends(snapshot, locations) {
			if !b.Healthy {
				add(b.Of, downText("", &b))
			}
		}
	case kind.HTTPRoute, kind.GRPCRoute, kind.Ingress:
		byService := map[string][]outage.Backend{}
		m.eachBackend(snapshot, locations, func(name string, b outage.Backend) {
			if !b.Healthy {
				byService[name] = append(byService[name], b)
			}
		})
		m.eachUse(func(service string, user store.Ref) {
			for _, b := range byService[service] {
				add(user, downText(fmt.Sprintf("%s %q, ", kind.Bare(b.Of.Kind), b.Of.Namespace+"/"+b.Of.Name), &b))
			}
		})
	}
	return out
}

func downText(of string, b *outage.Backend) string {
	return fmt.Sprintf("%sport %d, from %s: no healthy endpoint, so %s: %s", of, b.Port, b.Location, b.Then(), b.Reason.Text)
}

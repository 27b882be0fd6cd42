package controller

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/store"
)

// selectors finds the Services that select a Pod: each is filed under the first pair of labels that it asks for.
type selectors struct {
	services map[store.Ref]*corev1.Service
	byPair   map[pair]map[store.Ref]struct{}
}

// pair is a label of Pods of one namespace.
type pair struct{ cluster, namespace, key, value string }

func newSelectors() *selectors {
	return &selectors{services: map[store.Ref]*corev1.Service{}, byPair: map[pair]map[store.Ref]struct{}{}}
}

// put takes a Service as it is now; nil is gone.
func (s *selectors) put(ref store.Ref, service *corev1.Service) {
	if old := s.services[ref]; old != nil {
		prune(s.byPair, firstPair(ref, old), ref)
	}
	if service == nil || len(service.Spec.Selector) == 0 {
		delete(s.services, ref)
		return
	}
	s.services[ref] = service
	nested(s.byPair, firstPair(ref, service))[ref] = struct{}{}
}

func firstPair(ref store.Ref, service *corev1.Service) pair {
	key := slices.Min(slices.Collect(maps.Keys(service.Spec.Selector)))
	return pair{ref.Cluster, ref.Namespace, key, service.Spec.Selector[key]}
}

// of are the Services that select a Pod. looked counts those that were looked at.
func (s *selectors) of(ref store.Ref, pod *corev1.Pod) (out []store.Ref, looked int) {
	for key, value := range pod.Labels {
		for service := range s.byPair[pair{ref.Cluster, ref.Namespace, key, value}] {
			looked++
			if readiness.Selects(s.services[service], pod) {
				out = append(out, service)
			}
		}
	}
	slices.SortFunc(out, store.CompareRefs)
	return out, looked
}

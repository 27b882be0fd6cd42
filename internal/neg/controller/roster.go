package controller

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/store"
)

// roster is who is in which group, by everything that it is asked for: a report costs its own endpoints, a question its answer.
type roster struct {
	reports map[string]*neg.Report // by unit
	// endpoints are those of each Pod by unit, pods those of each address, names the groups of each Service by unit.
	endpoints map[store.Ref]map[string][]readiness.Endpoint
	pods      map[netip.AddrPort]map[store.Ref]int
	names     map[store.Ref]map[string]string
	// wanted counts the units that want a ServiceNetworkEndpointGroup.
	wanted map[store.Ref]int
}

func newRoster() *roster {
	return &roster{
		reports: map[string]*neg.Report{}, endpoints: map[store.Ref]map[string][]readiness.Endpoint{},
		pods: map[netip.AddrPort]map[store.Ref]int{}, names: map[store.Ref]map[string]string{}, wanted: map[store.Ref]int{},
	}
}

// put takes a report in place of the unit's last one, and returns whose groups it may have changed: the members of both.
func (r *roster) put(report *neg.Report) []store.Ref {
	touched := r.remove(report.Unit)
	r.reports[report.Unit] = report
	for _, ref := range svcnegs(report) {
		r.wanted[ref]++
	}
	nested(r.names, report.Service)[report.Unit] = report.Name
	eachMember(report, func(pod store.Ref, e readiness.Endpoint) {
		units := nested(r.endpoints, pod)
		units[report.Unit] = append(units[report.Unit], e)
		nested(r.pods, e.Address)[pod]++
		touched = append(touched, pod)
	})
	return touched
}

// remove drops a unit's report, and returns who was in its groups.
func (r *roster) remove(unit string) (touched []store.Ref) {
	report := r.reports[unit]
	if report == nil {
		return nil
	}
	delete(r.reports, unit)
	for _, ref := range svcnegs(report) {
		if r.wanted[ref]--; r.wanted[ref] == 0 {
			delete(r.wanted, ref)
		}
	}
	prune(r.names, report.Service, unit)
	eachMember(report, func(pod store.Ref, e readiness.Endpoint) {
		prune(r.endpoints, pod, unit)
		if r.pods[e.Address][pod]--; r.pods[e.Address][pod] == 0 {
			prune(r.pods, e.Address, pod)
		}
		touched = append(touched, pod)
	})
	return touched
}

// of are the endpoints of a Pod, in order of unit and zone.
func (r *roster) of(pod store.Ref) (out []readiness.Endpoint) {
	units := r.endpoints[pod]
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		out = append(out, units[unit]...)
	}
	return out
}

// groups are the names of a Service's groups, as far as they have been reported.
func (r *roster) groups(service store.Ref) []string {
	return slices.Compact(slices.Sorted(maps.Values(r.names[service])))
}

// svcnegs are the ServiceNetworkEndpointGroups that a report wants: that of its groups, and one for the name that it was refused.
func svcnegs(r *neg.Report) []store.Ref {
	ref := store.Ref{Cluster: r.Service.Cluster, Kind: kind.ServiceNetworkEndpointGroup, Namespace: r.Service.Namespace, Name: r.Name}
	if r.Asked == "" {
		return []store.Ref{ref}
	}
	asked := ref
	asked.Name = r.Asked
	return []store.Ref{ref, asked}
}

// eachMember calls f for each endpoint of a report that is a Pod's.
func eachMember(r *neg.Report, f func(pod store.Ref, e readiness.Endpoint)) {
	for _, z := range r.Zones {
		for _, e := range z.Endpoints {
			namespace, name, ok := strings.Cut(e.Pod, "/")
			at, err := netip.ParseAddrPort(e.Address)
			if ok && err == nil {
				pod := store.Ref{Cluster: r.Service.Cluster, Kind: kind.Pod, Namespace: namespace, Name: name}
				f(pod, readiness.Endpoint{Group: r.Name, Zone: z.Zone, Address: at, Unlisted: r.Unlisted})
			}
		}
	}
}

// nested is the inner map of a key, which is made if there is none.
func nested[K, L comparable, V any](m map[K]map[L]V, key K) map[L]V {
	if m[key] == nil {
		m[key] = map[L]V{}
	}
	return m[key]
}

// prune deletes an inner key, and the outer one with the last of them.
func prune[K, L comparable, V any](m map[K]map[L]V, key K, inner L) {
	delete(m[key], inner)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}

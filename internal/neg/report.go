package neg

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Report is what a round makes of the groups of a wanted Service port: the value of a Write of PartReport on the Service, for
// whoever tells what happens to them.
type Report struct {
	Service store.Ref
	// Unit is the key of the port's units, Name that of its groups, Key what events call it.
	Unit, Name, Key string
	// Asked is a name that another Service port, Holder, has, else "".
	Asked, Holder string
	// Reason is why normal mode is of no use, else "". Differs: degraded mode has another result.
	Reason  Reason
	Differs bool
	// Unlisted: a list is on its way of what may attach the groups to a backend service.
	Unlisted bool
	Zones    []ReportZone
}

// ReportZone is a group as it is published.
type ReportZone struct {
	Zone string
	// Endpoints are in order of address; those that terminate are detached.
	Endpoints []ReportEndpoint
}

// ReportEndpoint is an endpoint and its Pod, NAMESPACE/NAME, if it has one.
type ReportEndpoint struct {
	Address, Pod string
}

// Equal compares values.
func (r *Report) Equal(other any) bool {
	o, ok := other.(*Report)
	return ok && reflect.DeepEqual(r, o)
}

// SameGroups tells whether two reports are of the same groups: lists that have come since are no sync.
func (r *Report) SameGroups(other *Report) bool {
	o := *other
	o.Unlisted = r.Unlisted
	return r.Equal(&o)
}

// Conflict is the text about a name that another Service port has.
func (r *Report) Conflict() string { return conflict(r.Asked, r.Holder) }

func conflict(name, holder string) string {
	return NegNotFound.Text() + `: found conflicting description in neg "` + name + `": it is that of ` + holder
}

// ConflictMessage is the event about such a name.
func ConflictMessage(name, holder string) string {
	return fmt.Sprintf("Failed to sync NEG %q (will retry): %s", name, conflict(name, holder))
}

// conflictEvent tells of a port whose groups nobody but Gateways asks for.
func conflictEvent(service store.Ref, n naming) recompute.Write {
	return recompute.Write{Ref: service, Part: recompute.PartEvent, Key: "neg.name/" + n.asked, Value: recompute.Event{
		Type: corev1.EventTypeWarning, Reason: "SyncNetworkEndpointGroupFailed", Source: Component, Cause: n.holder,
		Message: ConflictMessage(n.asked, n.holder),
	}}
}

// report tells of the groups that a builder made.
func (b *builder) report(service *corev1.Service, port corev1.ServicePort, n naming, sync syncResult) recompute.Write {
	r := &Report{
		Service: b.of.serviceRef(), Unit: b.of.key(), Name: n.name, Asked: n.asked, Holder: n.holder, Key: eventKey(service, port, n.name),
		Reason: sync.reason, Differs: sync.differs, Zones: b.reported, Unlisted: b.unlisted,
	}
	return recompute.Write{Ref: r.Service, Part: recompute.PartReport, Key: strconv.Itoa(int(b.of.port)), Value: r}
}

// eventKey is how events name a Service port: NAMESPACE/SERVICE-NEG-PORTNAME/PORT-TARGETPORT-TYPE-MODE.
func eventKey(service *corev1.Service, port corev1.ServicePort, name string) string {
	return service.Namespace + "/" + service.Name + "-" + name + "-" + port.Name + "/" +
		strings.Join([]string{strconv.Itoa(int(port.Port)), port.TargetPort.String(), "GCE_VM_IP_PORT", "L7"}, "-")
}

// Addresses are those of endpoints that do not terminate, as reports have them.
func Addresses(endpoints []*lbv1.Endpoint) []string {
	var all []string
	for _, e := range endpoints {
		if !e.GetDraining() {
			all = append(all, endpointName(e))
		}
	}
	return all
}

// reportZone adds a group to the report.
func (b *builder) reportZone(zone string, at int) {
	z := ReportZone{Zone: zone}
	for _, r := range b.resources[at:] {
		for _, e := range r.GetEndpointShard().GetEndpoints() {
			if !e.GetDraining() {
				z.Endpoints = append(z.Endpoints, ReportEndpoint{endpointName(e), e.GetPod()})
			}
		}
	}
	slices.SortFunc(z.Endpoints, func(a, b ReportEndpoint) int { return strings.Compare(a.Address, b.Address) })
	b.reported = append(b.reported, z)
}

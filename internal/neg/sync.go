package neg

import (
	"maps"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// sliceController makes the EndpointSlices of Services with selectors; any other slice is somebody's own.
const sliceController = "endpointslice-controller.k8s.io"

// syncResult is what the endpoints of a wanted port come to.
type syncResult struct {
	members map[netip.AddrPort]member
	// reason is why normal mode is of no use, else "".
	reason Reason
	// differs: degraded mode leaves out, or repairs, something that normal mode does not.
	differs bool
	// seen is how many slices there are.
	seen int
}

// syncer computes the endpoints of a wanted port twice: in normal mode, where each error is one of the whole, and in degraded mode,
// where each endpoint is mended or left out by itself.
type syncer struct {
	collector
	service  *corev1.Service
	normal   map[netip.AddrPort]member
	degraded map[netip.AddrPort]member
	reason   Reason
}

// sync decides between the two: degraded mode is used if normal mode fails, and for as long afterwards as they differ.
func (c *collector) sync(service *corev1.Service, all []*discoveryv1.EndpointSlice) syncResult {
	s := &syncer{collector: *c, service: service, normal: map[netip.AddrPort]member{}, degraded: map[netip.AddrPort]member{}}
	for _, family := range families(service) {
		for _, slice := range all {
			if slice.AddressType == family {
				s.slice(slice)
			}
		}
		if len(s.normal) > 0 || len(s.degraded) > 0 || s.reason != "" {
			break
		}
	}
	result := syncResult{members: s.normal, reason: s.reason, differs: s.reason != "" || !sameMembers(s.normal, s.degraded), seen: len(all)}
	was, _ := recompute.Fact[bool](c.view, fact.Degraded(c.of.key()))
	if s.reason != "" || was && result.differs {
		result.members = s.degraded
	}
	return result
}

func sameMembers(a, b map[netip.AddrPort]member) bool {
	return maps.EqualFunc(a, b, func(x, y member) bool {
		return x.zone == y.zone && x.endpoint.GetInstance() == y.endpoint.GetInstance() && x.endpoint.GetPod() == y.endpoint.GetPod()
	})
}

func (s *syncer) slice(slice *discoveryv1.EndpointSlice) {
	port, ok := slicePort(slice, s.portName)
	if !ok {
		return
	}
	custom := slice.Labels[discoveryv1.LabelManagedBy] != sliceController
	for i := range slice.Endpoints {
		if e := &slice.Endpoints[i]; len(e.Addresses) > 0 {
			s.endpoint(e, port, custom)
		}
	}
}

// endpoint takes one that terminates as it is: it gets nothing new, and its Pod may be gone at any moment. So it does with an address
// that is no Pod's.
func (s *syncer) endpoint(e *discoveryv1.Endpoint, port uint16, custom bool) {
	addr, err := netip.ParseAddr(e.Addresses[0])
	at := netip.AddrPortFrom(addr.Unmap(), port)
	switch {
	case err != nil:
		s.fail(EPIPInvalid)
		return
	case e.Conditions.Terminating != nil && *e.Conditions.Terminating, elsewhere(e):
		m := s.member(e)
		add(s.normal, at, m)
		add(s.degraded, at, m)
		return
	}
	pod := s.pod(e)
	if reason := s.check(e, pod, at.Addr()); reason != "" {
		s.fail(reason)
	} else {
		add(s.normal, at, s.member(e))
	}
	if node, ok := s.mend(pod, at.Addr(), custom); ok {
		mended := *e
		mended.NodeName = &node
		add(s.degraded, at, s.member(&mended))
	}
}

// elsewhere tells an endpoint that somebody wrote by hand: an address that nothing is claimed of, neither Pod nor Node.
func elsewhere(e *discoveryv1.Endpoint) bool {
	return e.TargetRef == nil && (e.NodeName == nil || *e.NodeName == "")
}

// fail keeps the first reason.
func (s *syncer) fail(r Reason) {
	if s.reason == "" {
		s.reason = r
	}
}

func (s *syncer) pod(e *discoveryv1.Endpoint) *podView {
	ref, ok := targetPod(s.of, e.TargetRef)
	if !ok {
		return nil
	}
	pod, _, _ := recompute.Value[*podView](s.view, unitPod, ref.String())
	return pod
}

// check is normal mode: what the slice says has to be true.
func (s *syncer) check(e *discoveryv1.Endpoint, pod *podView, addr netip.Addr) Reason {
	_, named := targetPod(s.of, e.TargetRef)
	switch {
	case e.NodeName == nil || *e.NodeName == "":
		return EPNodeMissing
	case !s.hasNode(*e.NodeName):
		return EPNodeNotFound
	case !named:
		return EPPodMissing
	case pod == nil:
		return EPPodNotFound
	case !pod.has(addr):
		return EPIPNotFromPod
	}
	return ""
}

// mend is degraded mode: the Pod says on which Node it is, and must be one that can answer for the Service.
func (s *syncer) mend(pod *podView, addr netip.Addr, custom bool) (node string, ok bool) {
	switch {
	case pod == nil, pod.Node == "", !s.hasNode(pod.Node), !pod.has(addr), pod.Terminal:
		return "", false
	case !pod.HostNetwork && !s.inRange(pod.Node, addr):
		return "", false
	case !custom && !selectedBy(s.service, pod):
		return "", false
	}
	return pod.Node, true
}

func (s *syncer) hasNode(name string) bool {
	_, ok := s.topology.ZoneOf[name]
	return ok
}

// inRange tells whether an address is of a Node's Pod ranges; where Nodes have none, as in many clusters, all are.
func (s *syncer) inRange(node string, addr netip.Addr) bool {
	ref := store.Ref{Cluster: s.of.cluster, Kind: kind.Node, Name: node}
	at, _, _ := recompute.Value[placement](s.view, unitNode, ref.String())
	if at.PodRanges == "" {
		return true
	}
	for _, cidr := range at.ranges() {
		if cidr.Contains(addr) {
			return true
		}
	}
	return false
}

// selectedBy tells whether a Service selects a Pod; one without a selector selects none.
func selectedBy(service *corev1.Service, pod *podView) bool {
	return len(service.Spec.Selector) > 0 && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels))
}

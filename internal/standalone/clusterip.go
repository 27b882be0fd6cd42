package standalone

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/store"
)

// clusterIPs gives Services addresses, as an API server does when a Service is made. A Service keeps its address when
// its manifest is edited; it follows from the Service's name, unless another one has it.
type clusterIPs struct {
	byService map[store.Ref]netip.Addr
	byAddr    map[string]store.Ref // CLUSTER/ADDRESS
}

func newClusterIPs() *clusterIPs {
	return &clusterIPs{byService: map[store.Ref]netip.Addr{}, byAddr: map[string]store.Ref{}}
}

// assign puts an address into each touched Service that has none.
func (c *clusterIPs) assign(tx *store.Tx, touched []string) {
	for _, read := range touched {
		ref, ok := store.ObjectOf(read)
		if !ok || ref.Kind != "Service" {
			continue
		}
		entry := tx.Get(ref)
		if entry == nil {
			c.release(ref)
			continue
		}
		service, ok := entry.Object.(*corev1.Service)
		if !ok || service.Spec.ClusterIP != "" || service.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		next := service.DeepCopy()
		next.Spec.ClusterIP = c.address(ref).String()
		next.Spec.ClusterIPs = []string{next.Spec.ClusterIP}
		tx.Put(ref.Cluster, next, entry.Origin)
	}
}

func (c *clusterIPs) release(ref store.Ref) {
	if addr, ok := c.byService[ref]; ok {
		delete(c.byService, ref)
		delete(c.byAddr, ref.Cluster+"/"+addr.String())
	}
}

func (c *clusterIPs) address(ref store.Ref) netip.Addr {
	if addr, ok := c.byService[ref]; ok {
		return addr
	}
	in := address.Services(ref.Cluster)
	size := uint32(1)<<(32-in.Bits()) - 2
	start := digest.Number(ref.Namespace+"/"+ref.Name) % size
	addr := address.Nth(in, 1+start)
	for i := range size {
		addr = address.Nth(in, 1+(start+i)%size)
		if _, taken := c.byAddr[ref.Cluster+"/"+addr.String()]; !taken {
			break
		}
	}
	c.byService[ref] = addr
	c.byAddr[ref.Cluster+"/"+addr.String()] = ref
	return addr
}

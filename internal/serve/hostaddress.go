package serve

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// hostPoll is how often the addresses that Gateways ask for are looked at again; asking for one at loopback costs nothing,
// for another a socket that is closed at once.
const hostPoll = 3 * time.Second

// hostAddresses makes facts of which addresses that Gateways ask for this machine has.
type hostAddresses struct {
	store *store.Store
	// usable tells whether something can listen on an address.
	usable func(netip.Addr) bool
}

// run looks again now and then until the context ends: an address may come to the machine, or leave it.
func (h *hostAddresses) run(ctx context.Context) {
	tick := time.NewTicker(hostPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.refresh(h.store.Snapshot())
		}
	}
}

// look refreshes the facts before a round that has Gateways to translate.
func (h *hostAddresses) look(snapshot *store.Snapshot, touched []string) {
	if slices.ContainsFunc(touched, func(read string) bool {
		ref, ok := store.ObjectOf(read)
		return ok && ref.Kind == kind.Gateway
	}) {
		h.refresh(snapshot)
	}
}

func (h *hostAddresses) refresh(snapshot *store.Snapshot) {
	found := map[store.Fact]any{}
	for _, addr := range wantedAddresses(snapshot) {
		found[fact.HostAddress(addr)] = h.usable(addr)
	}
	h.store.Commit(func(tx *store.Tx) { tx.ReplaceFacts(fact.KindHostAddress, found) })
}

// wantedAddresses are those that Gateways ask for as they are.
func wantedAddresses(snapshot *store.Snapshot) []netip.Addr {
	var out []netip.Addr
	snapshot.Walk(kind.Gateway, "", "", func(e *store.Entry) bool {
		gateway, ok := e.Object.(*gatewayv1.Gateway)
		if !ok {
			return true
		}
		for _, a := range gateway.Spec.Addresses {
			if addr, err := netip.ParseAddr(strings.TrimSpace(a.Value)); err == nil {
				out = append(out, addr.Unmap())
			}
		}
		return true
	})
	return out
}

// hostHas tells whether something can listen on an address of this machine. Every loopback address counts: where a
// system has none but 127.0.0.1, that stands in for it.
func hostHas(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		return false
	}
	return l.Close() == nil
}

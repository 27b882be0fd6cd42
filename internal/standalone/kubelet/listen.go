package kubelet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"syscall"
)

// portOffset is added to a port that can't be bound.
const portOffset = 10000

// SharedAddress tells whether this system has no loopback address but 127.0.0.1, so that all Pods share it.
func SharedAddress() bool {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.127.127.127:0")
	if err != nil {
		return true
	}
	return l.Close() != nil
}

// listen binds a Pod's port. A port that this process may not bind, or that something else holds, is replaced by the
// one 10,000 above it, or else by a free one; on an address that Pods share it is always a free one.
func listen(ip netip.Addr, port uint16) (net.Listener, uint16, error) {
	tries := []uint16{port}
	if ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		tries = nil
	} else if port <= math.MaxUint16-portOffset {
		tries = append(tries, port+portOffset)
	}
	for _, try := range append(tries, 0) {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", netip.AddrPortFrom(ip, try).String())
		if err == nil {
			return l, uint16(l.Addr().(*net.TCPAddr).Port), nil
		}
		if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EADDRINUSE) {
			return nil, 0, err
		}
	}
	return nil, 0, fmt.Errorf("no port of %s can be bound", ip)
}

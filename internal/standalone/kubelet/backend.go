package kubelet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

// backend is a container that runs.
type backend interface {
	// Done is closed when it has ended, by itself or stopped.
	Done() <-chan struct{}
	// Exit is its exit status and its last words; it counts after Done.
	Exit() (code int, message string)
	// Ports are the bound ports by the container's, where they differ, and the address if it is not the Pod's.
	Ports() (map[uint16]uint16, netip.Addr)
	// Dial is where a port of the container answers.
	Dial(port uint16) string
	// Leave tells it that it will be stopped soon: it serves on, and asks its clients to go elsewhere if it can.
	Leave()
	// Stop ends it, at the latest when the context is done. It returns when it has ended.
	Stop(context.Context)
	// Logs is the end of its output.
	Logs(from int64) (b []byte, next int64)
	// LogsSince is the offset of the first line that was begun at a time or later.
	LogsSince(at time.Time) int64
}

// start chooses what runs for an image.
func (k *Kubelet) start(r *workload.Run) (backend, error) {
	switch {
	case r.Image == nil:
		return k.startSample(r)
	case r.Image.Address != "":
		return startRemote(r.Image.Address)
	}
	return k.startCommand(r)
}

// remote is something that runs already, of which nothing is known but its address.
type remote struct {
	addr netip.AddrPort
	done chan struct{}
}

func startRemote(address string) (backend, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, fmt.Errorf("%q is not a port", port)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		// The address is asked for once; an EndpointSlice holds no names.
		found, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
		if err != nil {
			return nil, err
		}
		addr = found[0].Unmap()
	}
	return &remote{addr: netip.AddrPortFrom(addr, uint16(number)), done: make(chan struct{})}, nil
}

func (r *remote) Done() <-chan struct{} { return r.done }
func (r *remote) Exit() (int, string)   { return 0, "" }
func (r *remote) Dial(uint16) string    { return r.addr.String() }
func (r *remote) Leave()                {}
func (r *remote) Stop(context.Context)  {}

// Logs has nothing: what runs already prints elsewhere.
func (r *remote) Logs(int64) ([]byte, int64) { return nil, 0 }

func (r *remote) LogsSince(time.Time) int64 { return 0 }

func (r *remote) Ports() (map[uint16]uint16, netip.Addr) {
	return map[uint16]uint16{0: r.addr.Port()}, r.addr.Addr()
}

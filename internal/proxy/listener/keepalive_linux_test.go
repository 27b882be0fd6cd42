package listener

import (
	"net"
	"syscall"
	"testing"
)

// TestConnectionsAreProbed: what was set on the listening socket holds for its connections.
func TestConnectionsAreProbed(t *testing.T) {
	l := bind(t)
	got := make(chan [4]int, 1)
	go func() {
		_ = l.Serve(func(nc *net.TCPConn, closed func()) {
			defer closed()
			defer nc.Close()
			var values [4]int
			raw, err := nc.SyscallConn()
			if err == nil {
				err = raw.Control(func(fd uintptr) {
					for i, o := range [][2]int{
						{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
						{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE},
						{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL},
						{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT},
					} {
						values[i], _ = syscall.GetsockoptInt(int(fd), o[0], o[1])
					}
				})
			}
			if err != nil {
				t.Error(err)
			}
			got <- values
		}, Events{})
	}()
	dial(t, l)
	if values := <-got; values != [4]int{1, keepAliveIdle, keepAliveInterval, keepAliveCount} {
		t.Errorf("%v", values)
	}
}

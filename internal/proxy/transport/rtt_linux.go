package transport

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// RoundTripTime is the kernel's smoothed estimate of the time to a connection's peer and back.
func RoundTripTime(nc *net.TCPConn) (rtt time.Duration, ok bool) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && info.Rtt > 0 {
			rtt, ok = time.Duration(info.Rtt)*time.Microsecond, true
		}
	})
	return rtt, ok && err == nil
}

//go:build !linux

package transport

import (
	"net"
	"time"
)

// RoundTripTime is known on Linux only.
func RoundTripTime(*net.TCPConn) (time.Duration, bool) { return 0, false }

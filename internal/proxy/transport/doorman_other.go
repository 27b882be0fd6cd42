//go:build !linux

package transport

// Doorman waits for connections on Linux only.
type Doorman struct{}

// NewDoorman is nil: there is none.
func NewDoorman() *Doorman { return nil }

// Close does nothing.
func (d *Doorman) Close() {}

// Wait takes nobody.
func (d *Doorman) Wait(*Conn, Waker) bool { return false }

// Forget does nothing.
func (d *Doorman) Forget(*Conn, Waker) {}

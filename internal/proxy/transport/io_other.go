//go:build !linux

package transport

import (
	"errors"
	"syscall"
)

// receive reads without waiting: the runtime's sockets are non-blocking.
func receive(fd int, p []byte) (int, syscall.Errno) { return counted(syscall.Read(fd, p)) }

// send writes without waiting.
func send(fd int, p []byte) (int, syscall.Errno) { return counted(syscall.Write(fd, p)) }

func counted(n int, err error) (int, syscall.Errno) {
	if err == nil {
		return n, 0
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		errno = syscall.EIO
	}
	return 0, errno
}

// sendFD leaves everything to the ordinary write.
func sendFD(int, []byte) int { return 0 }

// sendVector leaves everything to the ordinary write.
func sendVector(int, *[3][]byte) int { return 0 }

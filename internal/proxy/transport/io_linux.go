package transport

import (
	"syscall"
	"unsafe"
)

// The runtime is not told of these system calls: they never wait, and what it does around one that might (hand its
// processor over, be looked at by the monitor) costs as much as the parsing of a request.

// receive reads without waiting. p is not empty.
func receive(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), syscall.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// send writes what the kernel takes without waiting.
func send(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// sendFD is send where an error counts as nothing taken: the caller's ordinary write will meet it again.
func sendFD(fd int, p []byte) int {
	if len(p) == 0 {
		return 0
	}
	n, _ := send(fd, p)
	return n
}

// sendVector is sendFD for several pieces.
func sendVector(fd int, parts *[3][]byte) int {
	var pieces [len(parts)]syscall.Iovec
	var message syscall.Msghdr
	for _, p := range parts {
		if len(p) > 0 {
			pieces[message.Iovlen].Base = unsafe.SliceData(p)
			pieces[message.Iovlen].SetLen(len(p))
			message.Iovlen++
		}
	}
	if message.Iovlen == 0 {
		return 0
	}
	message.Iov = &pieces[0]
	n, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	if errno != 0 {
		return 0
	}
	return int(n)
}

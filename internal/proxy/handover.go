package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// Socket is a listening socket on its way from one process to the next.
type Socket struct {
	Requested netip.AddrPort
	File      *os.File
}

// Sockets duplicates the listening sockets. Connections that wait in their queues are served by whoever accepts first, so
// nothing is lost while both processes listen.
func (p *Proxy) Sockets() ([]Socket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Socket
	for _, f := range p.frontends {
		if f.listener == nil {
			continue
		}
		file, err := f.listener.File()
		if err != nil {
			closeAll(out)
			return nil, err
		}
		out = append(out, Socket{Requested: f.at(), File: file})
	}
	return out, nil
}

func closeAll(list []Socket) {
	for _, s := range list {
		_ = s.File.Close()
	}
}

// maxSockets bounds one hand-over: what fits a control message (SCM_MAX_FD).
const maxSockets = 253

// HandOver sends the listening sockets to the process at the other end of a Unix connection.
func (p *Proxy) HandOver(to *net.UnixConn) error {
	list, err := p.Sockets()
	if err != nil {
		return err
	}
	defer closeAll(list)
	if len(list) > maxSockets {
		return fmt.Errorf("proxy: %d sockets to hand over, at most %d fit", len(list), maxSockets)
	}
	var names []netip.AddrPort
	var fds []int
	for _, s := range list {
		names = append(names, s.Requested)
		fd, err := descriptor(s.File)
		if err != nil {
			return err
		}
		fds = append(fds, fd)
	}
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	_, _, err = to.WriteMsgUnix(text, syscall.UnixRights(fds...), nil)
	return err
}

// descriptor is the number of the file, which stays non-blocking: File.Fd would change the mode of the socket for both
// processes, and an Accept that blocks cannot be ended.
func descriptor(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

// TakeOver receives what HandOver sends.
func TakeOver(from *net.UnixConn) ([]Socket, error) {
	text := make([]byte, 64<<10)
	control := make([]byte, syscall.CmsgSpace(4*maxSockets))
	n, cn, _, _, err := from.ReadMsgUnix(text, control)
	if err != nil {
		return nil, err
	}
	fds, err := rights(control[:cn])
	if err != nil {
		return nil, err
	}
	var names []netip.AddrPort
	if err = json.Unmarshal(text[:n], &names); err == nil && len(fds) != len(names) {
		err = errors.New("sockets are missing")
	}
	if err != nil {
		closeFDs(fds)
		return nil, fmt.Errorf("proxy: hand-over: %w", err)
	}
	out := make([]Socket, 0, len(fds))
	for i, fd := range fds {
		syscall.CloseOnExec(fd)
		out = append(out, Socket{Requested: names[i], File: os.NewFile(uintptr(fd), names[i].String())})
	}
	return out, nil
}

// rights are the descriptors in a control message.
func rights(control []byte) (fds []int, err error) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		list, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			closeFDs(fds)
			return nil, err
		}
		fds = append(fds, list...)
	}
	return fds, nil
}

func closeFDs(fds []int) {
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}

package transport

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/spillway-lb/spillway/internal/descriptors"
)

const pipesWork = true

// maxPipes bounds the pipes in use, and idlePipes those that are kept. All of them hold at most 64 MiB in the kernel,
// which is also what an ordinary user may have.
const (
	maxPipes  = 256
	idlePipes = 32
)

var (
	pipes     = make(chan *pipe, idlePipes)
	openPipes atomic.Int64
)

// pipe is what bytes pass through between two sockets.
type pipe struct{ r, w int }

// takePipe returns an empty pipe; nil when too many are in use, or descriptors have run out.
func takePipe() *pipe {
	select {
	case p := <-pipes:
		return p
	default:
	}
	return newPipe(descriptors.NewReserve(descriptors.Limit()))
}

// newPipe leaves the reserve alone: without pipes bytes are copied.
func newPipe(left *descriptors.Reserve) *pipe {
	if openPipes.Add(1) > maxPipes {
		openPipes.Add(-1)
		return nil
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		openPipes.Add(-1)
		return nil
	}
	p := &pipe{r: fds[0], w: fds[1]}
	if !left.Left(uintptr(p.r)) || !left.Left(uintptr(p.w)) {
		p.discard()
		return nil
	}
	// Without the right to a larger one it stays as it is, and moves less at a time.
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, RelayStep)
	return p
}

// givePipe takes an empty pipe back.
func givePipe(p *pipe) {
	select {
	case pipes <- p:
	default:
		p.discard()
	}
}

// discard closes a pipe with what is in it.
func (p *pipe) discard() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
	openPipes.Add(-1)
}

// fill moves up to n bytes from a socket into the pipe. 0 without an error is the socket's end.
func (p *pipe) fill(fd, n int) (int, syscall.Errno) { return splice(fd, p.w, n) }

// drain moves up to n bytes from the pipe to a socket.
func (p *pipe) drain(fd, n int) (int, syscall.Errno) { return splice(p.r, fd, n) }

func splice(from, to, n int) (int, syscall.Errno) {
	for {
		moved, _, errno := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n),
			unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if errno == 0 {
			return int(moved), 0
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

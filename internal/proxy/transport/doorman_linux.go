package transport

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// Doorman waits for connections that have been silent for a while, all of them in one goroutine: a goroutine each would cost a
// stack each. It has an epoll instance of its own for that; those that are busy never meet it. A nil Doorman takes none.
type Doorman struct {
	epoll int
	file  *os.File // the same, as the runtime waits for it
	mu    sync.Mutex
	who   map[int]Waker // by descriptor
	done  chan struct{}
}

// NewDoorman is nil where the system has none.
func NewDoorman() *Doorman {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	_ = syscall.SetNonblock(fd, true)
	d := &Doorman{epoll: fd, file: os.NewFile(uintptr(fd), "doorman"), who: map[int]Waker{}, done: make(chan struct{})}
	raw, err := d.file.SyscallConn()
	if err != nil || d.file.SetReadDeadline(time.Time{}) != nil { // the runtime cannot wait for it
		_ = d.file.Close()
		return nil
	}
	go func() {
		defer close(d.done)
		_ = raw.Read(d.open) // until Close
	}()
	return d
}

// Close ends the doorman. Nobody may wait any more.
func (d *Doorman) Close() {
	if d != nil {
		_ = d.file.Close()
		<-d.done
	}
}

// Wait has w told, once, when bytes come to a connection or its end: at once if they are there. false: this connection cannot be
// waited for. The connection must stay open until w was told or Forget was called.
func (d *Doorman) Wait(c *Conn, w Waker) (ok bool) {
	if d == nil || c.raw == nil || c.r != c.w {
		return false
	}
	err := c.raw.Control(func(fd uintptr) { ok = d.watch(int(fd), w) })
	return err == nil && ok
}

func (d *Doorman) watch(fd int, w Waker) bool {
	d.mu.Lock()
	d.who[fd] = w
	d.mu.Unlock()
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd)}
	err := syscall.EpollCtl(d.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
	if err == syscall.EEXIST { // it has waited before
		err = syscall.EpollCtl(d.epoll, syscall.EPOLL_CTL_MOD, fd, &event)
	}
	if err != nil {
		d.forget(fd, w)
	}
	return err == nil
}

// Forget is for a waker that has been woken by something else. It may be told all the same, if it was about to be.
func (d *Doorman) Forget(c *Conn, w Waker) {
	if d != nil && c.raw != nil {
		_ = c.raw.Control(func(fd uintptr) { d.forget(int(fd), w) })
	}
}

func (d *Doorman) forget(fd int, w Waker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.who[fd] == w {
		delete(d.who, fd)
	}
}

// open tells everybody for whom something has come, and then waits: the runtime hears only of what comes after.
func (d *Doorman) open(uintptr) (over bool) {
	var events [64]syscall.EpollEvent
	for {
		n, err := syscall.EpollWait(d.epoll, events[:], 0)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return true
		case n == 0:
			return false
		}
		for i := range max(n, 0) {
			d.tell(int(events[i].Fd))
		}
	}
}

// tell finds nobody where a waker was forgotten, and somebody else where the descriptor has a new connection that waits: that one
// finds nothing to do.
func (d *Doorman) tell(fd int) {
	d.mu.Lock()
	w := d.who[fd]
	delete(d.who, fd)
	d.mu.Unlock()
	if w != nil {
		w.Stir()
	}
}

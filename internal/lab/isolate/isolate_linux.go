package isolate

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Process is the first one of the namespaces, seen from outside.
type Process struct {
	Way Way
	cmd *exec.Cmd
}

const inside = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS

// Start starts the process. Who is root and may make namespaces needs none of users; everybody else gets one, in which
// the user is root.
func Start(o Options) (*Process, error) {
	asRoot := errors.New("not root")
	if os.Geteuid() == 0 {
		p, err := start(o, AsRoot)
		if err == nil {
			return p, nil
		}
		asRoot = err
	}
	p, err := start(o, UserNamespace)
	if err != nil {
		return nil, &NotAllowedError{AsRoot: asRoot, User: err}
	}
	return p, nil
}

func start(o Options, way Way) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, o.Args...)
	cmd.Env, cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = o.Env, o.Files, o.Log, o.Log
	// In a session of its own, Ctrl-C is for whoever started the lab, who tells it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: inside, Setsid: true}
	if way == UserNamespace {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{Way: way, cmd: cmd}, nil
}

// Pid is its number outside.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Wait returns when it, and with it everything inside, has ended.
func (p *Process) Wait() error { return p.cmd.Wait() }

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Inside is how the namespaces came about that this process is in.
func Inside() Way {
	text, err := os.ReadFile("/proc/self/uid_map")
	if fields := strings.Fields(string(text)); err == nil && len(fields) == 3 && fields[2] == "1" {
		return UserNamespace
	}
	return AsRoot
}

// NotAllowedError says that this system lets this user have no namespaces.
type NotAllowedError struct{ AsRoot, User error }

func (e *NotAllowedError) Error() string {
	text := fmt.Sprintf("a lab lives in namespaces of its own, and this system refuses them: as root: %v; in a namespace of users: %v", e.AsRoot, e.User)
	for path, wrong := range map[string]string{
		"/proc/sys/user/max_user_namespaces":                     "0",
		"/proc/sys/kernel/unprivileged_userns_clone":             "0",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
	} {
		if value, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(value)) == wrong {
			text += fmt.Sprintf(". %s is %s, which is why", path, wrong)
		}
	}
	return text + ". Run it as root, in a container with CAP_SYS_ADMIN, or have namespaces of users allowed"
}

func (e *NotAllowedError) Unwrap() []error { return []error{e.AsRoot, e.User} }

// Enter sets up what a new namespace lacks: mounts that nobody outside sees, a /proc that shows the processes inside, and the
// network.
func Enter(n Network) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts inside: %w", err)
	}
	// Where a container hides parts of /proc the kernel refuses another one: then ps shows what is outside, and that is all.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return restricted(fmt.Errorf("bring the loopback interface up: %w", err))
	}
	to := &net.IPNet{IP: n.Addresses.Addr().AsSlice(), Mask: net.CIDRMask(n.Addresses.Bits(), n.Addresses.Addr().BitLen())}
	route := &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: to, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: unix.RT_SCOPE_HOST}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("give the loopback interface %s: %w", n.Addresses, err)
	}
	return nil
}

// restricted explains a namespace of users in which nothing is allowed, as AppArmor makes it.
func restricted(err error) error {
	if !errors.Is(err, syscall.EPERM) {
		return err
	}
	return &NotAllowedError{AsRoot: errors.New("not root"), User: err}
}

// Babysit runs a child and returns its exit status. It passes signals on, and takes care of processes whose parents are gone, as
// the first process of a namespace has to.
func Babysit(cmd *exec.Cmd) (int, error) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, err
		case pid == cmd.Process.Pid && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == cmd.Process.Pid && status.Exited():
			return status.ExitStatus(), nil
		}
	}
}

package listener

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
)

func TestFallbacks(t *testing.T) {
	at := netip.MustParseAddrPort
	wrap := func(errno syscall.Errno) error {
		return &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", errno)}
	}
	for _, c := range []struct {
		at   string
		err  error
		want []string
	}{
		{"127.64.0.1:80", wrap(syscall.EACCES), []string{"127.64.0.1:10080", "127.64.0.1:0"}},
		{"127.64.0.1:80", wrap(syscall.EADDRINUSE), []string{"127.64.0.1:10080", "127.64.0.1:0"}},
		{"127.64.0.1:60000", wrap(syscall.EADDRINUSE), []string{"127.64.0.1:14464", "127.64.0.1:0"}},
		{"127.64.0.1:0", wrap(syscall.EACCES), nil},
		{"127.64.0.1:80", wrap(syscall.EMFILE), nil},
		{"192.0.2.1:80", wrap(syscall.EADDRNOTAVAIL), nil},
		{"127.64.0.1:80", errors.New("other"), nil},
	} {
		got := fallbacks(at(c.at), c.err)
		if len(got) != len(c.want) {
			t.Errorf("%s after %v: %v, want %v", c.at, c.err, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != at(c.want[i]) {
				t.Errorf("%s after %v: %v, want %v", c.at, c.err, got, c.want)
			}
		}
	}
}

func TestStandInsForMissingLoopbackAddresses(t *testing.T) {
	missing := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
	a := fallbacks(netip.MustParseAddrPort("127.64.0.1:80"), missing)
	if len(a) != standInTries {
		t.Fatalf("%d stand-ins", len(a))
	}
	seen := map[netip.AddrPort]bool{}
	for _, s := range a {
		if s.Addr().String() != "127.0.0.1" || s.Port() < standInFrom || s.Port() >= standInFrom+standInPorts || seen[s] {
			t.Errorf("stand-in %s", s)
		}
		seen[s] = true
	}
	if again := fallbacks(netip.MustParseAddrPort("127.64.0.1:80"), missing); again[0] != a[0] {
		t.Error("the stand-in of an address is not the same again")
	}
	if other := fallbacks(netip.MustParseAddrPort("127.64.0.2:80"), missing); other[0] == a[0] {
		t.Error("two addresses have one stand-in")
	}
}

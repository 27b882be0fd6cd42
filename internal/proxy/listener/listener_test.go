package listener

import (
	"io"
	"net"
	"net/netip"
	"testing"
)

func bind(t *testing.T) *Listener {
	t.Helper()
	l, err := Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestATakenPortFallsBack(t *testing.T) {
	first := bind(t)
	second, err := Bind(first.Actual)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	want := int(first.Actual.Port()) + FallbackOffset
	if want > 65535 {
		want -= 55536
	}
	if second.Requested != first.Actual || int(second.Actual.Port()) != want {
		t.Errorf("requested %s, actual %s, want port %d", second.Requested, second.Actual, want)
	}
}

func TestAnAddressThatIsNotHereIsAnError(t *testing.T) {
	if l, err := Bind(netip.MustParseAddrPort("192.0.2.1:80")); err == nil {
		_ = l.Close()
		t.Error("bound")
	}
}

func TestLimitAndClose(t *testing.T) {
	l := bind(t)
	l.Limit(1)
	release, ended := make(chan bool), make(chan error, 1)
	go func() {
		ended <- l.Serve(func(nc *net.TCPConn, closed func()) {
			defer closed()
			<-release
			_ = nc.Close()
		}, Events{})
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Actual.String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := dial(), dial()
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Error("the second connection was served")
	}
	if l.Open() != 1 {
		t.Errorf("%d open", l.Open())
	}
	_ = l.Close()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	close(release)
	if _, err := first.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first connection: %v", err)
	}
}

// TestConnectionsRunWhereTheyAreTold: a goroutine that is there already serves one connection after the other.
func TestConnectionsRunWhereTheyAreTold(t *testing.T) {
	l := bind(t)
	jobs := make(chan func())
	l.Run = func(job func()) { jobs <- job }
	served := 0 // by this goroutine alone
	go func() {
		_ = l.Serve(func(nc *net.TCPConn, closed func()) {
			served++
			_ = nc.Close()
			closed()
		}, Events{})
	}()
	for range 3 {
		c, err := net.Dial("tcp", l.Actual.String())
		if err != nil {
			t.Fatal(err)
		}
		(<-jobs)()
		_ = c.Close()
	}
	_ = l.Close()
	if served != 3 || l.Open() != 0 {
		t.Errorf("%d served, %d open", served, l.Open())
	}
}

func TestInheritedSocketsAcceptWhatWaits(t *testing.T) {
	l := bind(t)
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := net.Dial("tcp", l.Actual.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	next, err := Inherit(l.Requested, f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	if next.Actual != l.Actual {
		t.Errorf("%s, want %s", next.Actual, l.Actual)
	}
	go func() {
		_ = next.Serve(func(nc *net.TCPConn, closed func()) {
			defer closed()
			_, _ = io.WriteString(nc, "hello")
			_ = nc.Close()
		}, Events{})
	}()
	if got, err := io.ReadAll(waiting); string(got) != "hello" {
		t.Errorf("%q %v", got, err)
	}
}

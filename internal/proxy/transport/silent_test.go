package transport

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

func TestSilence(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	for what, say := range map[string]func(nc net.Conn){
		"a byte": func(nc net.Conn) { _, _ = io.WriteString(nc, "x") },
		"an end": func(nc net.Conn) { _ = nc.(*net.TCPConn).CloseWrite() },
		"a reset": func(nc net.Conn) {
			_ = nc.(*net.TCPConn).SetLinger(0)
			_ = nc.Close()
		},
	} {
		a, b := pair(t)
		near := Eager(a.NetConn().(*net.TCPConn))
		silent := Silence(near)
		taken, again := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(taken)
			for range 2 {
				if _, err := near.Read(make([]byte, 10)); err != nil {
					return
				}
				taken <- struct{}{}
				<-again
			}
		}()
		for deadline := time.Now().Add(10 * time.Second); !silent(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("a connection that is waited for is not silent")
			}
		}
		say(b)
		if silent() {
			t.Errorf("silent after %s", what)
		}
		if _, read := <-taken; read && silent() {
			t.Errorf("silent while %s is looked at", what)
		}
		close(again)
		_ = near.Close()
	}
}

package replica_test

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spillway-lb/spillway/internal/ads/replica"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// TestASilentReplicaKeepsNobodyFromAnother: its host may be gone, and its address still be known.
func TestASilentReplicaKeepsNobodyFromAnother(t *testing.T) {
	silent, there := listen(t), listen(t)
	g := grpc.NewServer()
	replica.Register(g, func() ([]byte, error) { return []byte("kept"), nil }, func(context.Context) error { return nil })
	go func() { _ = g.Serve(there) }()
	t.Cleanup(g.Stop)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got := ""
	err := replica.Fetch(ctx, []string{silent.Addr().String(), there.Addr().String()},
		func(string) (credentials.TransportCredentials, error) { return insecure.NewCredentials(), nil },
		func(b []byte) error {
			got = string(b)
			return nil
		})
	if err != nil || got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

package serve

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spillway-lb/spillway/internal/ads/replica"
	"github.com/spillway-lb/spillway/internal/persist"
)

// giving has a server give what it keeps, and returns how others ask for it.
func giving(t *testing.T, state func() ([]byte, error), allowed error) Replicas {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	replica.Register(g, state, func(context.Context) error { return allowed })
	go func() { _ = g.Serve(ln) }()
	t.Cleanup(g.Stop)
	return Replicas{
		Addresses: []string{ln.Addr().String()},
		Dial:      func(string) (credentials.TransportCredentials, error) { return insecure.NewCredentials(), nil },
	}
}

// TestAReplicaTakesOverWhatAnotherKeeps starts a second process, which has kept nothing, while a file is broken: it serves what the
// first one still has of it.
func TestAReplicaTakesOverWhatAnotherKeeps(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "taken")
	r := start(t, map[string]string{"app.yaml": good}, time.Second)
	url := r.url(t)
	eventually(t, "there is something to give", func() bool {
		b, err := r.keeper.encoded()
		s, readErr := persist.Read(append([]byte(nil), b...), r.keeper.limits())
		return err == nil && readErr == nil && len(s.Units) > 0
	})
	b, err := r.keeper.encoded()
	if err != nil {
		t.Fatal(err)
	}
	r.end(t)

	dir := t.TempDir()
	r.dir = filepath.Join(dir, "d")
	r.write(t, "app.yaml", good+"\n  this: [is no YAML\n")
	replicas := giving(t, func() ([]byte, error) { return b, nil }, nil)
	again := startWith(t, dir, func(c *Config) { c.State, c.Replicas = StateNone, replicas })
	if got := again.url(t); got != url {
		t.Errorf("served at %s, was at %s", got, url)
	}
	if !strings.Contains(again.out.String(), "started from what another replica keeps") {
		t.Error("nobody is told")
	}
}

// TestAReplicaStartsWithoutAnother has replicas that have nothing, give nothing, or something that cannot be read.
func TestAReplicaStartsWithoutAnother(t *testing.T) {
	for want, r := range map[string]Replicas{
		"has not read everything yet": giving(t, func() ([]byte, error) { return nil, replica.ErrNothing }, nil),
		"PermissionDenied":            giving(t, func() ([]byte, error) { return []byte("x"), nil }, errors.New("no")),
		"it is not a state file":      giving(t, func() ([]byte, error) { return []byte("x"), nil }, nil),
	} {
		out := &buffer{}
		s := &server{config: Config{Replicas: r}, report: newReporter(out, FormatText, time.Now)}
		s.keeper = newKeeper(StateNone, nil, s.report, time.Now)
		own := &persist.State{Seq: 3}
		if got := s.takeOver(own); got != own {
			t.Errorf("started from %+v", got)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("told %q, not %q", out.String(), want)
		}
	}
}

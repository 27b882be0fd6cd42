package serve

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestWhatIsUnreadIsNotListed has a cluster count as listed once the last of its files has been read.
func TestWhatIsUnreadIsNotListed(t *testing.T) {
	s, r := store.New(), newRestorer(&persist.State{})
	listed := func(cluster string) bool {
		now, ok := s.Snapshot().Fact(fact.Listed(cluster, kind.EndpointSlice)).(bool)
		return !ok || now
	}
	for i, c := range []struct {
		unread     []manifests.Unread
		read       []string
		west, east bool
	}{
		{[]manifests.Unread{{Path: "west/a.yaml", Cluster: "west"}, {Path: "west/b.yaml", Cluster: "west"}}, nil, false, true},
		{nil, []string{"west/a.yaml"}, false, true},
		{nil, []string{"west/b.yaml"}, true, true},
	} {
		s.Commit(func(tx *store.Tx) { r.apply(tx, &manifests.Delta{Unread: c.unread, Read: c.read}, i == 0) })
		if west, east := listed("west"), listed("east"); west != c.west || east != c.east {
			t.Errorf("step %d: west is listed %t, east %t", i, west, east)
		}
	}
}

// TestAFileThatIsBeingWrittenKeepsItsObjects restarts while somebody writes to a file: the first round is made without it,
// and nothing that it held goes.
func TestAFileThatIsBeingWrittenKeepsItsObjects(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "unread")}, time.Second)
	url := r.url(t)
	r.end(t)
	again, err := newServer(Config{
		Dir: r.dir, Socket: filepath.Join(filepath.Dir(r.dir), "s"), State: r.state, Drain: time.Second, Format: FormatText, Out: r.out,
		Log: r.config.Log, Version: "test", Now: later,
	})
	if err != nil {
		t.Fatal(err)
	}
	first := manifests.NewLoader().Load(nil, later())
	first.Unread = []manifests.Unread{{Path: "app.yaml", Cluster: "default"}}
	directoryOf(again).begin(&first)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); again.loop.Run(ctx) }()
	go func() { _ = directoryOf(again).standin.Run(ctx) }() // it fails with its context only
	running := &running{server: again}
	if got := running.url(t); got != url {
		t.Errorf("served at %s, was at %s", got, url)
	}
	busy := []manifests.Problem{{File: "app.yaml", Rule: manifests.RuleUnreadable, Severity: manifests.Error}}
	directoryOf(again).apply(&manifests.Delta{Read: []string{"app.yaml"}, Problems: busy}, false) // nobody waits for it any more
	if directoryOf(again).restore.count() == 0 {
		t.Error("what somebody keeps writing has lost its objects")
	}
	directoryOf(again).apply(&manifests.Delta{Solved: busy}, false) // it was emptied
	eventually(t, "the file counts", func() bool { return len(again.source.URLs()) == 0 })
	stop()
	<-done
	_ = again.planes.Drain(time.Second)
	_ = again.socket.Close()
}

// TestABrokenClusterKeepsItsFolder has a cluster.yaml that no longer parses when the next process starts: the objects of
// its folder's other files belong to nobody then.
func TestABrokenClusterKeepsItsFolder(t *testing.T) {
	r := start(t, map[string]string{
		"west/cluster.yaml": cluster("west", "us-west1"), "west/app.yaml": strings.ReplaceAll(app, "NAME", "folder"),
	}, time.Second)
	url := r.url(t)
	r.end(t)
	r.write(t, "west/cluster.yaml", "this: [is no YAML\n")
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	if got := again.url(t); got != url {
		t.Errorf("served at %s, was at %s", got, url)
	}
	if err := os.Remove(filepath.Join(r.dir, "west/app.yaml")); err != nil {
		t.Fatal(err)
	}
	again.write(t, "west/cluster.yaml", cluster("west", "us-west1"))
	eventually(t, "the mended folder counts", func() bool { return len(again.source.URLs()) == 0 })
}

func directoryOf(s *server) *directoryOrigin { return s.origin.(*directoryOrigin) }

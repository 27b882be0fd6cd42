package serve

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	membercluster "github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/store"
)

// A Configuration is of no single cluster in the store, and has its status in the config cluster.
func TestConfigurationsAreWrittenToTheConfigCluster(t *testing.T) {
	members := []membercluster.Member{
		{Name: "east", REST: &rest.Config{Host: "http://127.0.0.1:1"}},
		{Name: "west", REST: &rest.Config{Host: "http://127.0.0.1:2"}, ConfigCluster: true},
	}
	set := membercluster.New(membercluster.Config{Store: store.New(), Install: "a", Now: time.Now, Say: func(string, ...any) {}})
	set.Follow(members)
	c := &clients{set: set, home: configCluster(members), known: map[string]known{}}
	home, ok := c.of("")
	if west, _ := c.of("west"); !ok || home != west {
		t.Errorf("a Configuration's status is written with %v, that of the config cluster is %v", home, west)
	}
	if _, ok := c.of("north"); ok {
		t.Error("there is a client for a cluster that is no member")
	}
}

// What is wrong with an object that names a cluster is printed, whatever the log's level is.
func TestWhatIsSaidOfMembersIsPrinted(t *testing.T) {
	var out bytes.Buffer
	o := &clusterOrigin{report: newReporter(&out, FormatText, time.Now)}
	o.set = membercluster.New(membercluster.Config{Store: store.New(), Install: "a", Now: time.Now, Say: o.report.say})
	o.config = &Clusters{Members: func(say func(string, ...any)) ([]membercluster.Member, error) {
		say("%s is no cluster", "Secret a/b")
		return nil, nil
	}}
	o.look()
	if !strings.Contains(out.String(), "Secret a/b is no cluster") {
		t.Errorf("printed %q", out.String())
	}
}

package membership_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/membership"
	"github.com/spillway-lb/spillway/internal/place"
)

// kubeconfig has a context for each name, all at servers of their own.
func kubeconfig(t *testing.T, path, token string, names ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Config\ncurrent-context: " + names[0] + "\nusers:\n- {name: me, user: {token: " + token + "}}\nclusters:\n")
	for _, n := range names {
		b.WriteString("- {name: " + n + ", cluster: {server: 'https://" + n + ".test:6443'}}\n")
	}
	b.WriteString("contexts:\n")
	for _, n := range names {
		b.WriteString("- {name: " + n + ", context: {cluster: " + n + ", user: me}}\n")
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestContexts(t *testing.T) {
	path := kubeconfig(t, filepath.Join(t.TempDir(), "config"), "a", "west", "east", "other")
	s := membership.Source{
		Kubeconfig: path, Contexts: []string{"west", "east"}, Config: "east",
		Places: map[string]place.Place{"west": {Region: "us-west1", Zones: []string{"us-west1-b"}}},
	}
	all, err := s.Members(t.Logf)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	west, east := all[0], all[1]
	if west.Name != "west" || west.REST.Host != "https://west.test:6443" || west.Region != "us-west1" || west.Zones[0] != "us-west1-b" || west.ConfigCluster {
		t.Errorf("west: %+v", west)
	}
	if !east.ConfigCluster || east.Region != "" || east.REST.BearerToken != "a" {
		t.Errorf("east: %+v", east)
	}
	kubeconfig(t, path, "b", "west", "east", "other")
	if again, err := s.Members(t.Logf); err != nil || again[0].Version == west.Version {
		t.Errorf("another token is the same way to the cluster; %v", err)
	}
}

func TestTheCurrentContextIsTheConfigCluster(t *testing.T) {
	all, err := membership.Source{Kubeconfig: kubeconfig(t, filepath.Join(t.TempDir(), "config"), "a", "west", "east")}.Members(t.Logf)
	if err != nil || len(all) != 1 || all[0].Name != "west" || !all[0].ConfigCluster {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestADirectoryOfKubeconfigs(t *testing.T) {
	dir := t.TempDir()
	kubeconfig(t, filepath.Join(dir, "gke-west-1.yaml"), "a", "kubernetes-admin")
	kubeconfig(t, filepath.Join(dir, "gke-east-1"), "a", "kubernetes-admin")
	kubeconfig(t, filepath.Join(dir, ".hidden"), "a", "kubernetes-admin")
	all, err := membership.Source{Dir: dir}.Members(t.Logf)
	if err != nil || len(all) != 2 || all[0].Name != "gke-east-1" || all[1].Name != "gke-west-1" || !all[0].ConfigCluster {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestWhatCannotBeFoundIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := kubeconfig(t, filepath.Join(dir, "config"), "a", "west", "east")
	for _, c := range []struct {
		source membership.Source
		want   string
	}{
		{membership.Source{Kubeconfig: path, Contexts: []string{"north"}}, `context "north" does not exist; there are: east, west`},
		{membership.Source{Kubeconfig: path, Contexts: []string{"west", "west"}}, "two clusters are called west"},
		{membership.Source{Kubeconfig: path, Config: "east"}, "config cluster east is not among the clusters"},
		{membership.Source{Kubeconfig: path, Places: map[string]place.Place{"x": {}}}, "a place is given for cluster x"},
		{membership.Source{Kubeconfig: filepath.Join(dir, "none")}, "no such file"},
		{membership.Source{Dir: filepath.Join(dir, "none")}, "no such file"},
	} {
		if _, err := c.source.Members(t.Logf); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.source, err, c.want)
		}
	}
}

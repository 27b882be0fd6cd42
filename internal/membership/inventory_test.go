package membership_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/membership"
)

// configCluster is the API server of one, as far as an inventory asks it.
type configCluster struct {
	mu       sync.Mutex
	secrets  map[string]map[string]any // by name
	profiles []any                     // nil: there is no CRD
	away     bool
	said     []string
	source   membership.Source
}

func (c *configCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	const namespace = "/namespaces/spillway-system"
	switch {
	case c.away:
		http.Error(w, "away", http.StatusServiceUnavailable)
	case r.URL.Path == "/api/v1"+namespace+"/secrets" && r.URL.Query().Get("labelSelector") == membership.LabelCluster:
		items := []any{}
		for _, s := range c.secrets {
			items = append(items, s)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "SecretList", "items": items})
	case r.URL.Path == "/apis/multicluster.x-k8s.io/v1alpha1"+namespace+"/clusterprofiles" && c.profiles != nil:
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfileList", "items": c.profiles})
	default:
		http.NotFound(w, r)
	}
}

func startConfigCluster(t *testing.T, n *membership.Inventory) *configCluster {
	t.Helper()
	c := &configCluster{secrets: map[string]map[string]any{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: hub, contexts: [{name: hub, context: {cluster: hub}}], clusters: [{name: hub, cluster: {server: %q}}]}`, server.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Namespace = "spillway-system"
	c.source = membership.Source{Kubeconfig: path, Inventory: n}
	return c
}

func (c *configCluster) say(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// secret is one with a kubeconfig whose user is as given.
func (c *configCluster) secret(name, label, user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	config := `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: "https://` +
		name + `.test"}}], users: [{name: u, user: ` + user + `}]}`
	c.secrets[name] = map[string]any{
		"metadata": map[string]any{"namespace": "spillway-system", "name": name, "labels": map[string]any{membership.LabelCluster: label}},
		"data":     map[string]any{"kubeconfig": []byte(config)},
	}
}

func (c *configCluster) members(t *testing.T) (names []string, all map[string]cluster.Member) {
	t.Helper()
	list, err := c.source.Members(c.say)
	if err != nil {
		t.Fatal(err)
	}
	all = map[string]cluster.Member{}
	for _, m := range list {
		names, all[m.Name] = append(names, m.Name), m
	}
	return names, all
}

func expectNames(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestSecretsAreClusters that join, leave and are reached in another way; one that is bad is told once, and disturbs nobody.
func TestSecretsAreClusters(t *testing.T) {
	c := startConfigCluster(t, &membership.Inventory{Secrets: true})
	c.secret("west", "", "{token: a}")
	c.secret("other-name", "east", "{token: a}")
	names, first := c.members(t)
	expectNames(t, "at first", names, "hub", "east", "west")
	if west := first["west"]; west.REST.Host != "https://west.test" || west.REST.BearerToken != "a" || west.ConfigCluster || !first["hub"].ConfigCluster {
		t.Errorf("west: %+v", west)
	}
	c.secret("west", "", "{token: b}")
	if _, all := c.members(t); all["west"].Version == first["west"].Version || all["east"].Version != first["east"].Version {
		t.Error("another token is the same way, or one that is the same is another")
	}
	c.secret("west", "", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: rm, interactiveMode: Never}}")
	c.secret("north", "", "{tokenFile: /etc/passwd}")
	c.secret("twice", "east", "{token: a}")
	c.secret("before-others", "east", "{token: a}")
	for range 2 {
		names, all := c.members(t)
		expectNames(t, "with bad ones", names, "hub", "east", "west")
		if all["east"].REST.Host != "https://other-name.test" {
			t.Errorf("another object has taken a cluster's name: %s", all["east"].REST.Host)
		}
		if all["west"].REST.BearerToken != "b" || all["west"].REST.ExecProvider != nil {
			t.Errorf("one that became bad does not stay as it was: %+v", all["west"].REST)
		}
	}
	slices.Sort(c.said)
	for i, want := range []string{"Secret spillway-system/before-others", "Secret spillway-system/north", "Secret spillway-system/twice", "Secret spillway-system/west"} {
		if len(c.said) != 4 || !strings.HasPrefix(c.said[i], want) {
			t.Fatalf("said %q, want one line on each of four", c.said)
		}
	}
	for _, want := range []string{"tokenFile names a file", "called east already", "exec and auth-provider name programs"} {
		if !strings.Contains(strings.Join(c.said, "\n"), want) {
			t.Errorf("nobody said %q: %q", want, c.said)
		}
	}
	c.mu.Lock()
	delete(c.secrets, "west")
	delete(c.secrets["north"], "data")
	c.mu.Unlock()
	names, _ = c.members(t)
	expectNames(t, "one left", names, "hub", "east")
	if last := c.said[len(c.said)-1]; !strings.Contains(last, "no key kubeconfig") {
		t.Errorf("said %q", last)
	}
	c.mu.Lock()
	c.away = true
	c.mu.Unlock()
	_, err := c.source.Members(c.say)
	var unlisted *membership.UnlistedError
	if !errors.As(err, &unlisted) || !strings.Contains(err.Error(), "Secrets of namespace spillway-system of cluster hub") {
		t.Fatalf("an inventory that is away: %v", err)
	}
	if len(unlisted.Members) != 1 || unlisted.Members[0].Name != "hub" || !unlisted.Members[0].ConfigCluster {
		t.Errorf("known beside it: %+v", unlisted.Members)
	}
}

// TestClusterProfilesAreClusters by the access providers of the file, with the program that it names.
func TestClusterProfilesAreClusters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "providers.json")
	if err := os.WriteFile(file, []byte(`{"providers": [{"name": "google", "execConfig": {
	  "apiVersion": "client.authentication.k8s.io/v1", "command": "gke-gcloud-auth-plugin", "args": ["-x"], "provideClusterInfo": true}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	providers, err := membership.LoadProviders(file)
	if err != nil {
		t.Fatal(err)
	}
	c := startConfigCluster(t, &membership.Inventory{Providers: providers})
	names, _ := c.members(t)
	expectNames(t, "without the CRD", names, "hub")
	profile := func(name, field, provider string, at map[string]any) any {
		return map[string]any{
			"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfile", "metadata": map[string]any{"namespace": "spillway-system", "name": name},
			"status": map[string]any{field: []any{map[string]any{"name": "nobody's"}, map[string]any{"name": provider, "cluster": at}}},
		}
	}
	at := map[string]any{"server": "https://west.test", "certificate-authority-data": []byte("ca"), "extensions": []any{
		map[string]any{"name": "client.authentication.k8s.io/exec", "extension": map[string]any{"clusterName": "w"}},
	}}
	c.mu.Lock()
	c.profiles = []any{
		profile("west", "accessProviders", "google", at), profile("old", "credentialProviders", "google", map[string]any{"server": "https://old.test"}),
		profile("foreign", "accessProviders", "other", at),
		profile("file", "accessProviders", "google", map[string]any{"server": "https://f.test", "certificate-authority": "/etc/ca"}),
	}
	c.mu.Unlock()
	names, all := c.members(t)
	expectNames(t, "with profiles", names, "hub", "old", "west")
	west := all["west"].REST
	if e := west.ExecProvider; west.Host != "https://west.test" || string(west.CAData) != "ca" || e == nil || e.Command != "gke-gcloud-auth-plugin" ||
		!slices.Equal(e.Args, []string{"-x"}) || e.InteractiveMode != "Never" || !e.ProvideClusterInfo || e.Config == nil {
		t.Errorf("west: %+v", west)
	}
	said := strings.Join(c.said, "\n")
	for _, want := range []string{"foreign is no cluster, or stays as it was: its status has no access provider of those known: google", "certificate-authority names a file"} {
		if !strings.Contains(said, want) {
			t.Errorf("nobody said %q: %q", want, c.said)
		}
	}
}

package rbac

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	admissionregistrationfake "k8s.io/client-go/kubernetes/typed/admissionregistration/v1/fake"
	corev1fake "k8s.io/client-go/kubernetes/typed/core/v1/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/admission/authority"
	"github.com/spillway-lb/spillway/internal/admission/registration"
	"github.com/spillway-lb/spillway/internal/membership"
	"github.com/spillway-lb/spillway/internal/status"
)

// namespace is the controller's, in every file.
const namespace = "spillway-system"

// request is what an API server is asked for; the name is empty where RBAC can restrict none.
type request struct{ group, resource, verb, name string }

type requests map[request]bool

// fakeServer holds objects in memory.
func fakeServer() *clienttesting.Fake {
	f := &clienttesting.Fake{}
	f.AddReactor("*", "*", clienttesting.ObjectReaction(clienttesting.NewObjectTracker(scheme.Scheme, scheme.Codecs.UniversalDecoder())))
	return f
}

// asked are the requests that a fake has had.
func asked(f *clienttesting.Fake) requests {
	all := requests{}
	for _, a := range f.Actions() {
		r := request{group: a.GetResource().Group, resource: a.GetResource().Resource, verb: a.GetVerb()}
		if named, ok := a.(interface{ GetName() string }); ok && r.verb != "create" {
			r.name = named.GetName()
		}
		if update, ok := a.(clienttesting.UpdateAction); ok && r.verb == "update" {
			if o, ok := update.GetObject().(interface{ GetName() string }); ok {
				r.name = o.GetName()
			}
		}
		all[r] = true
	}
	return all
}

// TestRightsOfTheCertificate are those for a Secret that is made, and renewed before it expires.
func TestRightsOfTheCertificate(t *testing.T) {
	f, now := fakeServer(), time.Unix(0, 0)
	k := authority.New(authority.Config{
		Secrets: (&corev1fake.FakeCoreV1{Fake: f}).Secrets(namespace), Name: status.DefaultInstall + "-webhook",
		Hosts: []string{"spillway-webhook.spillway-system.svc"}, Say: t.Logf, Now: func() time.Time { return now },
	})
	for range 2 {
		if err := k.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.AddDate(20, 0, 0)
	}
	permits(t, "webhook.yaml", "Role", asked(f))
}

// TestRightsOfTheRegistration are those for what is registered, with another authority, and taken away.
func TestRightsOfTheRegistration(t *testing.T) {
	f := fakeServer()
	client := &admissionregistrationfake.FakeAdmissionregistrationV1{Fake: f}
	for _, c := range []struct {
		target *registration.Target
		bundle string
	}{
		{registration.ServiceTarget(namespace, "spillway-webhook", 443), "one"},
		{registration.ServiceTarget(namespace, "spillway-webhook", 443), "two"},
		{nil, ""},
	} {
		registration.New(registration.Config{
			Members: func() []registration.Member {
				return []registration.Member{{Name: "in-cluster", Home: true, Client: client}}
			},
			Install: status.DefaultInstall, Namespace: namespace, Service: c.target,
			Bundle: func() ([]byte, bool) { return []byte(c.bundle), true }, Say: t.Errorf,
		}).Look(t.Context())
	}
	permits(t, "member-webhook.yaml", "ClusterRole", asked(f))
}

// TestRightsOfTheInventory are those for looking which clusters there are.
func TestRightsOfTheInventory(t *testing.T) {
	permits(t, "cluster-secrets.yaml", "Role", inventory(t, membership.Inventory{Namespace: namespace, Secrets: true}))
	permits(t, "cluster-profiles.yaml", "Role", inventory(t, membership.Inventory{Namespace: namespace, Providers: []membership.Provider{{Name: "google"}}}))
}

// inventory is what a look asks for: its client is made of a kubeconfig, so that there is a server to ask.
func inventory(t *testing.T, n membership.Inventory) requests {
	t.Helper()
	all := requests{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all[requestOf(t, r)] = true
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{}, "items": []any{}})
	}))
	t.Cleanup(server.Close)
	c := clientcmdapi.NewConfig()
	c.Clusters["c"] = &clientcmdapi.Cluster{Server: server.URL}
	c.AuthInfos["c"] = &clientcmdapi.AuthInfo{}
	c.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "c"}
	c.CurrentContext = "c"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	if _, err := (membership.Source{Kubeconfig: path, Inventory: &n}).Members(t.Errorf); err != nil {
		t.Fatal(err)
	}
	return all
}

// requestOf reads what a list in a namespace asks for; anything else fails.
func requestOf(t *testing.T, r *http.Request) request {
	words := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if words[0] == "api" {
		words = slices.Insert(words, 1, "")
	}
	if r.Method != http.MethodGet || r.URL.Query().Has("watch") || len(words) != 6 || words[3] != "namespaces" || words[4] != namespace {
		t.Errorf("%s %s", r.Method, r.URL)
		return request{}
	}
	return request{group: words[1], resource: words[5], verb: "list"}
}

// permits wants the roles of one kind in a file to permit what was asked for, and nothing else.
func permits(t *testing.T, file, kind string, want requests) {
	t.Helper()
	got := requests{}
	for _, rule := range rulesOf(t, file, kind) {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range namesOf(rule.ResourceNames) {
						got[request{group, resource, verb, name}] = true
					}
				}
			}
		}
	}
	if len(want) == 0 || !maps.Equal(got, want) {
		t.Errorf("%s permits %v, asked for was %v", file, got, want)
	}
}

// namesOf are the names of a rule; one without is for any.
func namesOf(names []string) []string {
	if len(names) == 0 {
		return []string{""}
	}
	return names
}

func rulesOf(t *testing.T, file, kind string) (rules []rbacv1.PolicyRule) {
	t.Helper()
	text, err := os.ReadFile(rulesDir + file)
	if err != nil {
		t.Fatal(err)
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var role struct {
			runtime.TypeMeta `json:",inline"`
			Rules            []rbacv1.PolicyRule `json:"rules"`
		}
		if err := yaml.Unmarshal(document, &role); err != nil {
			t.Fatal(err)
		}
		if role.Kind == kind {
			rules = append(rules, role.Rules...)
		}
	}
	return rules
}

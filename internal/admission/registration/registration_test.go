package registration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/typed/admissionregistration/v1/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/spillway-lb/spillway/internal/status"
)

// cluster is a member and what was asked of it.
type cluster struct {
	name   string
	home   bool
	asked  *clienttesting.Fake
	client *fake.FakeAdmissionregistrationV1
}

func (c *cluster) writes() []string {
	var all []string
	for _, a := range c.asked.Actions() {
		if v := a.GetVerb(); v != "get" {
			all = append(all, v+" "+a.GetResource().Resource)
		}
	}
	c.asked.ClearActions()
	return all
}

func registrar(t *testing.T, change func(*Config), clusters ...*cluster) (*Registrar, *[]string) {
	t.Helper()
	url, err := ParseURL("https://10.0.0.1:9443/")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	c := Config{
		Install: status.DefaultInstall, Namespace: "spillway-system", URL: url,
		Bundle: func() ([]byte, bool) { return []byte("ca"), true },
		Say:    func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) },
		Members: func() []Member {
			var all []Member
			for _, c := range clusters {
				all = append(all, Member{Name: c.name, Home: c.home, Client: c.client})
			}
			return all
		},
	}
	if change != nil {
		change(&c)
	}
	return New(c), &said
}

func newCluster(t *testing.T, name string, objects ...runtime.Object) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := admissionregistrationv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	tracker := clienttesting.NewObjectTracker(scheme, serializer.NewCodecFactory(scheme).UniversalDecoder())
	for _, o := range objects {
		if err := tracker.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	asked := &clienttesting.Fake{}
	asked.AddReactor("*", "*", clienttesting.ObjectReaction(tracker))
	return &cluster{name: name, asked: asked, client: &fake.FakeAdmissionregistrationV1{Fake: asked}}
}

var both = []string{"create mutatingwebhookconfigurations", "create validatingwebhookconfigurations"}

// TestEachClusterAsksByItsName, and what is as it should be makes no write.
func TestEachClusterAsksByItsName(t *testing.T) {
	west, east := newCluster(t, "west"), newCluster(t, "east")
	r, said := registrar(t, nil, west, east)
	r.Look(t.Context())
	for _, c := range []*cluster{west, east} {
		if got := c.writes(); !slices.Equal(got, both) {
			t.Errorf("%s: %q", c.name, got)
		}
		v, err := c.client.ValidatingWebhookConfigurations().Get(t.Context(), "admission.spillway.dev", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range v.Webhooks {
			if *w.ClientConfig.URL != "https://10.0.0.1:9443/validate/"+c.name || string(w.ClientConfig.CABundle) != "ca" ||
				*w.FailurePolicy != admissionregistrationv1.Ignore || *w.SideEffects != admissionregistrationv1.SideEffectClassNone {
				t.Errorf("%s: %+v", c.name, w)
			}
			if got := w.NamespaceSelector.MatchExpressions[0].Values; !slices.Equal(got, []string{"kube-system", "spillway-system"}) {
				t.Errorf("exempt are %q", got)
			}
		}
	}
	west.asked.ClearActions()
	r.Look(t.Context())
	again, _ := registrar(t, nil, west) // a restart
	again.Look(t.Context())
	if got := west.writes(); got != nil || len(*said) > 0 {
		t.Errorf("written again: %q; said %q", got, *said)
	}
}

// TestWhatDiffersIsWritten: another authority, and what somebody changed by hand.
func TestWhatDiffersIsWritten(t *testing.T) {
	c := newCluster(t, "west")
	r, _ := registrar(t, nil, c)
	r.Look(t.Context())
	c.writes()
	hooks := c.client.MutatingWebhookConfigurations()
	m, err := hooks.Get(t.Context(), Name(status.DefaultInstall), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.Webhooks[0].TimeoutSeconds = new(int32(30))
	if _, err := hooks.Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.writes()
	r.Look(t.Context())
	if got := c.writes(); !slices.Equal(got, []string{"update mutatingwebhookconfigurations"}) {
		t.Errorf("changed by hand: %q", got)
	}
	r.config.Bundle = func() ([]byte, bool) { return []byte("ca 2"), true }
	r.Look(t.Context())
	if got := c.writes(); len(got) != 2 {
		t.Errorf("another authority: %q", got)
	}
	r.config.Bundle = func() ([]byte, bool) { return nil, false }
	r.Look(t.Context())
	if got := c.writes(); got != nil {
		t.Errorf("an authority that is not known: %q", got)
	}
}

// TestOff: nobody is asked any more; what others made stays, and who may not look is left alone.
func TestOff(t *testing.T) {
	c := newCluster(t, "west")
	on, _ := registrar(t, nil, c)
	on.Look(t.Context())
	c.writes()
	another, _ := registrar(t, func(c *Config) { c.URL, c.Install = nil, "other" }, c)
	another.Look(t.Context())
	if got := c.writes(); got != nil {
		t.Errorf("another install's: %q", got)
	}
	off, _ := registrar(t, func(c *Config) { c.URL = nil }, c)
	off.Look(t.Context())
	if got := c.writes(); !slices.Equal(got, []string{"delete mutatingwebhookconfigurations", "delete validatingwebhookconfigurations"}) {
		t.Errorf("off: %q", got)
	}
	off.Look(t.Context())
	if got := c.asked.Actions(); len(got) > 0 {
		t.Errorf("asked again: %v", got)
	}
	locked := newCluster(t, "locked")
	locked.asked.PrependReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{}, "x", nil)
	})
	barred, said := registrar(t, func(c *Config) { c.URL = nil }, locked)
	barred.Look(t.Context())
	if len(*said) > 0 {
		t.Errorf("said %q", *said)
	}
}

// TestAForeignOneOfTheNameIsLeftAlone, and told of once.
func TestAForeignOneOfTheNameIsLeftAlone(t *testing.T) {
	c := newCluster(t, "west", &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "admission.spillway.dev"}})
	r, said := registrar(t, nil, c)
	r.Look(t.Context())
	r.Look(t.Context())
	if got := c.writes(); !slices.Equal(got, both[:1]) || len(*said) != 1 || !strings.Contains((*said)[0], "it is left alone") {
		t.Errorf("%q, said %q", got, *said)
	}
}

// TestAServiceIsForItsOwnCluster: others are reached by URL, or not at all.
func TestAServiceIsForItsOwnCluster(t *testing.T) {
	home, away := newCluster(t, "home"), newCluster(t, "away")
	home.home = true
	r, _ := registrar(t, func(c *Config) { c.URL, c.Service = nil, ServiceTarget("spillway-system", "webhook", 443) }, home, away)
	r.Look(t.Context())
	if a, b := home.writes(), away.writes(); !slices.Equal(a, both) || b != nil {
		t.Errorf("home %q, away %q", a, b)
	}
	v, err := home.client.ValidatingWebhookConfigurations().Get(t.Context(), "admission.spillway.dev", metav1.GetOptions{})
	if s := v.Webhooks[0].ClientConfig.Service; err != nil || s == nil || s.Name != "webhook" || *s.Path != "/validate/home" || *s.Port != 443 {
		t.Errorf("%+v %v", v, err)
	}
	if got := r.config.Service.Hosts(); !slices.Equal(got, []string{"webhook.spillway-system.svc"}) {
		t.Errorf("hosts %q", got)
	}
}

func TestURLs(t *testing.T) {
	for text, hosts := range map[string][]string{
		"https://10.0.0.1:9443": {"10.0.0.1"}, "https://[fd00::1]:9443": {"fd00::1"}, "https://a.test/base/": {"a.test"},
		"http://a.test": nil, "a.test:9443": nil, "https://": nil, "https://:9443": nil, "https://a.test:x": nil, "https://a.test:0": nil, "https://a.test:65536": nil, "https://u@a.test": nil, "https://a.test?x=y": nil, "https://a.test#f": nil, ":": nil,
	} {
		target, err := ParseURL(text)
		if (err == nil) != (hosts != nil) || err == nil && !slices.Equal(target.Hosts(), hosts) {
			t.Errorf("%s: %+v %v", text, target, err)
		}
	}
}

// TestWhatIsAskedAbout: kinds that users write and statuses speak of; each group once for its versions.
func TestWhatIsAskedAbout(t *testing.T) {
	all := map[string]bool{}
	for _, r := range rules() {
		for _, resource := range r.Resources {
			all[resource+"."+r.APIGroups[0]] = true
		}
		if len(r.APIGroups) != 1 || len(r.APIVersions) == 0 || slices.Contains(r.Operations, admissionregistrationv1.Delete) {
			t.Errorf("%+v", r)
		}
	}
	for name, want := range map[string]bool{
		"gateways.gateway.networking.k8s.io": true, "httproutes.gateway.networking.k8s.io": true, "gcptrafficextensions.networking.gke.io": true,
		"ingresses.networking.k8s.io": true, "serviceexports.net.gke.io": true, "serviceimports.net.gke.io": false, "pods.": false, "services.": false,
		"gatewayclasses.gateway.networking.k8s.io": false, "servicenetworkendpointgroups.networking.gke.io": false,
	} {
		if all[name] != want {
			t.Errorf("%s: %v", name, all[name])
		}
	}
}

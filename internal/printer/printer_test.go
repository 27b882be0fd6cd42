package printer_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/crds"
	"github.com/spillway-lb/spillway/internal/printer"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var now = time.Date(2023, 10, 12, 18, 0, 0, 0, time.UTC)

// objects reads testdata/NAME.yaml, documents split by ---.
func objects(t *testing.T, name string) []printer.Object {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []printer.Object
	for doc := range strings.SplitSeq(string(b), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

func kind(t *testing.T, name string) *printer.Kind {
	t.Helper()
	k, err := printer.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestTables(t *testing.T) {
	for _, name := range []string{
		"pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets", "nodes", "namespaces", "endpointslices", "secrets", "configmaps", "events",
		"gateways", "gatewayclasses", "httproutes", "serviceimports", "serviceexports", "healthcheckpolicies", "clusters",
	} {
		t.Run(name, func(t *testing.T) {
			k := kind(t, name)
			var ofKind []printer.Object
			for _, o := range objects(t, "objects") {
				if o.GetKind() == k.Name {
					ofKind = append(ofKind, o)
				}
			}
			var b strings.Builder
			for _, o := range []printer.TableOptions{{}, {Wide: true}, {WithNamespace: true, ShowLabels: true}, {WithKind: true, NoHeaders: true}} {
				o.Now = now
				if err := printer.Table(&b, []printer.List{{Kind: k, Objects: ofKind}}, o); err != nil {
					t.Fatal(err)
				}
				b.WriteString("\n")
			}
			golden(t, "table-"+name, b.String())
		})
	}
}

func TestDescribe(t *testing.T) {
	var events []printer.Object
	for _, o := range objects(t, "objects") {
		if o.GetKind() == "Event" {
			events = append(events, o)
		}
	}
	described := map[string]int{}
	for _, o := range objects(t, "objects") {
		t.Run(o.GetKind(), func(t *testing.T) {
			k := kind(t, o.GetKind())
			var b strings.Builder
			related := printer.Related{Now: now}
			if k.Name == "Gateway" {
				related.Events = events
			}
			if err := printer.Describe(&b, k, o, related); err != nil {
				t.Fatal(err)
			}
			name := "describe-" + k.Plural
			if described[k.Plural]++; described[k.Plural] > 1 {
				name += "-" + o.GetName()
			}
			golden(t, name, b.String())
		})
	}
}

func TestOutputs(t *testing.T) {
	all := objects(t, "objects")
	gateway := slices.IndexFunc(all, func(o printer.Object) bool { return o.GetKind() == "Gateway" })
	lists := []printer.List{{Kind: kind(t, "gtw"), Objects: all[gateway : gateway+1]}}
	for _, c := range []struct {
		flag string
		one  bool
		want string
	}{
		{"name", true, "gateway.gateway.networking.k8s.io/external-http\n"},
		{"jsonpath={.status.addresses[0].value}", true, "34.36.127.249"},
		{"jsonpath=.metadata.name", true, "external-http"},
		{"jsonpath={.items[*].metadata.name}", false, "external-http"},
		{"jsonpath={.nothing}", true, ""},
		{"custom-columns=NAME:.metadata.name,X:.nothing", true, "NAME            X\nexternal-http   <none>\n"},
		{"go-template={{.metadata.name}}", true, "external-http"},
	} {
		o, err := printer.ParseOutput(c.flag)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := o.Print(&b, lists, c.one); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("-o %s: got %q, want %q", c.flag, b.String(), c.want)
		}
	}
	for _, bad := range []string{"xml", "jsonpath", "json=x"} {
		if _, err := printer.ParseOutput(bad); err == nil {
			t.Errorf("-o %s was accepted", bad)
		}
	}
}

func TestJSONAndYAMLRoundTrip(t *testing.T) {
	all := objects(t, "objects")
	list := []printer.List{{Kind: kind(t, all[0].GetKind()), Objects: all[:1]}}
	for _, format := range []string{printer.FormatJSON, printer.FormatYAML} {
		var b strings.Builder
		if err := (printer.Output{Format: format}).Print(&b, list, true); err != nil {
			t.Fatal(err)
		}
		back := map[string]any{}
		if err := yaml.Unmarshal([]byte(b.String()), &back); err != nil || back["kind"] != all[0].GetKind() {
			t.Errorf("%s: %v\n%s", format, err, b.String())
		}
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"svc": "Service", "deploy": "Deployment.apps", "po": "Pod", "Pods": "Pod", "gateways.gateway.networking.k8s.io": "Gateway.gateway.networking.k8s.io",
		"gateways.v1.gateway.networking.k8s.io": "Gateway.gateway.networking.k8s.io", "gtw": "Gateway.gateway.networking.k8s.io",
		"serviceexports": "ServiceExport.net.gke.io", "serviceexports.multicluster.x-k8s.io": "ServiceExport.multicluster.x-k8s.io",
		"serviceexports.net.gke.io": "ServiceExport.net.gke.io", "httproutes": "HTTPRoute.gateway.networking.k8s.io",
		"endpointslices.discovery.k8s.io": "EndpointSlice.discovery.k8s.io", "deployment.apps": "Deployment.apps",
	} {
		if got := kind(t, name).Ref(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	_, err := printer.Lookup("httproute5")
	if want := `the server doesn't have a resource type "httproute5"; did you mean httproutes?`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestKindsMatchCRDs(t *testing.T) {
	for _, k := range printer.Kinds() {
		if !strings.Contains(k.Group, ".") || k.Group == "discovery.k8s.io" || k.Group == "networking.k8s.io" {
			continue // built in
		}
		crd, err := crds.Load(k.Group, k.Plural)
		if err != nil {
			t.Error(err)
			continue
		}
		names := crd.Spec.Names
		if names.Kind != k.Name || !slices.Equal(names.ShortNames, k.Short) || (crd.Spec.Scope == "Namespaced") != k.Namespaced {
			t.Errorf("%s: names %+v, scope %s; have %+v", k.Resource(), names, crd.Spec.Scope, k)
		}
		for _, v := range crd.Spec.Versions {
			if v.Name != k.Version {
				continue
			}
			columns := k.Columns
			if columns == nil && len(v.AdditionalPrinterColumns) > 0 {
				columns = []printer.Column{{Header: "Age", Path: ".metadata.creationTimestamp", Date: true}}
			}
			if len(columns) != len(v.AdditionalPrinterColumns) {
				t.Errorf("%s: %d columns, want %d", k.Resource(), len(columns), len(v.AdditionalPrinterColumns))
				continue
			}
			for i, c := range v.AdditionalPrinterColumns {
				want := printer.Column{Header: c.Name, Path: c.JSONPath, Date: c.Type == "date", Wide: c.Priority > 0}
				if columns[i] != want {
					t.Errorf("%s: column %+v, want %+v", k.Resource(), columns[i], want)
				}
			}
		}
	}
}

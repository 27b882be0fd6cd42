package admission_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

var update = flag.Bool("update", false, "write what is wanted into the testdata")

// TestReviews asks about each object of "apply.yaml" in the cluster of "cluster.yaml"; "want" is what kubectl would print, as the webhook
// answers by default and if strict.
func TestReviews(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			var got strings.Builder
			for _, strict := range []bool{false, true} {
				w := newWorld(t, strict, files["cluster.yaml"])
				fmt.Fprintf(&got, "strict %v\n", strict)
				for _, document := range documents(files["apply.yaml"]) {
					print(&got, w.ask(t, "/validate/c", request(t, admissionv1.Create, document, "")))
				}
			}
			if *update {
				archive.Files = []txtar.File{{Name: "cluster.yaml", Data: []byte(files["cluster.yaml"])}, {Name: "apply.yaml", Data: []byte(files["apply.yaml"])}, {Name: "want", Data: []byte(got.String())}}
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if files["want"] != got.String() {
				t.Errorf("run with -update and look at the difference; got:\n%s", got.String())
			}
		})
	}
}

func print(b *strings.Builder, r *admissionv1.AdmissionResponse) {
	for _, warning := range r.Warnings {
		fmt.Fprintf(b, "  Warning: %s\n", warning)
	}
	if r.Allowed {
		b.WriteString("  created\n")
		return
	}
	fmt.Fprintf(b, "  Error from server (%s): admission webhook \"validate.spillway.dev\" denied the request: %s\n", r.Result.Reason, r.Result.Message)
}

const badExtension = `apiVersion: networking.gke.io/v1
kind: GCPTrafficExtension
metadata: {name: x, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]
  extensionChains:
  - name: a
    matchCondition: {celExpressions: [{celMatcher: "no such thing"}]}
    extensions: [{name: e, supportedEvents: [RequestHeaders], authority: a.test, backendRef: {kind: Service, name: callout, port: 443}}]
`

// TestWhatIsLetThrough: nobody waits for what cannot be judged, what does not change, and what is about to go.
func TestWhatIsLetThrough(t *testing.T) {
	changed := strings.Replace(badExtension, "name: e,", "name: f,", 1)
	relabelled := strings.Replace(badExtension, "{name: x,", "{name: x, labels: {a: b}, finalizers: [f/g],", 1)
	going := strings.Replace(changed, "{name: x,", "{name: x, deletionTimestamp: '2026-01-01T00:00:00Z',", 1)
	foreign := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x, namespace: default}\n"
	generated := strings.Replace(badExtension, "{name: x,", "{generateName: x-,", 1)
	for name, c := range map[string]struct {
		operation     admissionv1.Operation
		object, old   string
		cluster       string
		sub           string
		stale         bool
		err           error
		options       string
		allowed, mute bool
	}{
		"made":                             {operation: admissionv1.Create, object: badExtension},
		"made without a name":              {operation: admissionv1.Create, object: generated},
		"changed":                          {operation: admissionv1.Update, object: changed, old: badExtension},
		"changed in nothing that it asks":  {operation: admissionv1.Update, object: relabelled, old: badExtension, allowed: true},
		"changed by ourselves":             {operation: admissionv1.Update, object: changed, old: badExtension, options: `{"kind":"PatchOptions","fieldManager":"spillway"}`, allowed: true},
		"changed by another manager":       {operation: admissionv1.Update, object: changed, old: badExtension, options: `{"kind":"PatchOptions","fieldManager":"kubectl"}`},
		"about to go":                      {operation: admissionv1.Update, object: going, old: badExtension, allowed: true},
		"deleted":                          {operation: admissionv1.Delete, object: badExtension, old: badExtension, allowed: true},
		"connected to":                     {operation: admissionv1.Connect, object: badExtension, allowed: true},
		"its status":                       {operation: admissionv1.Update, object: changed, old: badExtension, sub: "status", allowed: true},
		"a kind of others":                 {operation: admissionv1.Create, object: foreign, allowed: true},
		"another cluster":                  {operation: admissionv1.Create, object: badExtension, cluster: "d", allowed: true},
		"a cluster that is not heard of":   {operation: admissionv1.Create, object: badExtension, stale: true, allowed: true},
		"time is over":                     {operation: admissionv1.Create, object: badExtension, err: context.DeadlineExceeded, allowed: true},
		"nothing has been translated yet":  {operation: admissionv1.Create, object: badExtension, err: errors.New("not yet"), allowed: true},
		"what does not decode":             {operation: admissionv1.Create, object: strings.Replace(badExtension, "spec:", "spec: []\nother:", 1), allowed: true},
		"nothing at all, which is deleted": {operation: admissionv1.Delete, object: "{}", allowed: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, true, "")
			w.fresh, w.err = !c.stale, c.err
			r := request(t, c.operation, c.object, c.old)
			r.SubResource = c.sub
			if c.options != "" {
				r.Options.Raw = []byte(c.options)
			}
			cluster := c.cluster
			if cluster == "" {
				cluster = "c"
			}
			response := w.ask(t, "/validate/"+cluster, r)
			if response.Allowed != c.allowed || c.allowed && len(response.Warnings) > 0 {
				t.Errorf("allowed %v, %v, warnings %q", response.Allowed, response.Result, response.Warnings)
			}
		})
	}
}

// TestADryRunIsAnsweredAlike: nothing is ever changed.
func TestADryRunIsAnsweredAlike(t *testing.T) {
	w := newWorld(t, false, "")
	before := w.store.Snapshot().Revision()
	r := request(t, admissionv1.Create, badExtension, "")
	r.DryRun = new(true)
	if w.ask(t, "/validate/c", r).Allowed || w.store.Snapshot().Revision() != before {
		t.Error("a dry run is answered otherwise, or changes something")
	}
}

// TestWhatWasAppliedJustBefore is known at the second look; what is wrong for longer is said.
func TestWhatWasAppliedJustBefore(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/extension_references.txtar")
	if err != nil {
		t.Fatal(err)
	}
	early := documents(string(archive.Files[1].Data))[0]
	for _, comes := range []bool{true, false} {
		w := newWorldWithGrace(t, true, string(archive.Files[0].Data), time.Millisecond)
		looks := 0
		w.judged = func() {
			if looks++; comes && looks == 2 {
				gateway := strings.ReplaceAll(documents(string(archive.Files[0].Data))[2], "name: there", "name: my-gateway")
				w.store.Commit(func(tx *store.Tx) { tx.Put("c", objects(t, gateway)[0], "") })
			}
		}
		if response := w.ask(t, "/validate/c", request(t, admissionv1.Create, early, "")); response.Allowed != comes || looks != 2 {
			t.Errorf("the Gateway comes %v: %+v after %d looks", comes, response, looks)
		}
	}
}

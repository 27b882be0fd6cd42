package manifests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/store"
)

// TestStepsAddUp changes files at random, and wants what the deltas add up to to be what one load of the same files
// gives. Files are whole here and hold no object twice: what else counts depends on what was there before.
func TestStepsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	loader, objects := NewLoader(), map[store.Ref]string{}
	files := map[string]string{}
	for step := range 300 {
		var events []Event
		for range 1 + random.IntN(3) {
			name, text := randomFile(random)
			if text == "" {
				delete(files, name)
			} else {
				files[name] = text
			}
			events = append(events, Event{Path: name, Data: []byte(text), Gone: text == "", ModTime: epoch})
		}
		apply(t, objects, loader.Load(events, epoch))

		var all []Event
		for name, text := range files {
			all = append(all, Event{Path: name, Data: []byte(text), ModTime: epoch})
		}
		scratch, fresh := map[store.Ref]string{}, NewLoader()
		fresh.registry = loader.registry
		apply(t, scratch, fresh.Load(all, epoch))
		if !maps.Equal(objects, scratch) {
			t.Fatalf("step %d, %v:\nby steps %v\nat once  %v", step, events, objects, scratch)
		}
		if got, want := fmt.Sprint(loader.Problems()), fmt.Sprint(fresh.Problems()); got != want {
			t.Fatalf("step %d: problems\nby steps %v\nat once  %v", step, got, want)
		}
	}
}

// apply keeps objects as YAML, without what depends on history.
func apply(t *testing.T, objects map[store.Ref]string, d Delta) {
	t.Helper()
	for _, ref := range d.Deletes {
		if _, ok := objects[ref]; !ok {
			t.Fatalf("%v is deleted but was not there", ref)
		}
		delete(objects, ref)
	}
	for _, u := range d.Upserts {
		object := u.Object.DeepCopyObject().(store.Object)
		object.SetGeneration(0)
		object.SetCreationTimestamp(metav1.Time{})
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		objects[store.RefTo(u.Cluster, u.Object)] = string(text)
	}
}

// randomFile returns a path and what stands there from now on; nothing means that the file is gone.
func randomFile(random *rand.Rand) (name, text string) {
	folder := []string{"", "a/", "b/", "b/sub/", "a/sub/"}[random.IntN(5)]
	kind := random.IntN(5)
	if kind == 0 {
		name = folder + "cluster.yaml"
		id := "cluster-" + strings.ReplaceAll(strings.Trim(folder, "/")+"x", "/", "-")
		text = "apiVersion: spillway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: " + id + "}\n"
		if folder == "a/" && random.IntN(2) == 0 {
			text += "spec: {configCluster: true}\n"
		}
	} else {
		name = fmt.Sprintf("%sfile%d.yaml", folder, random.IntN(4))
		id := strings.NewReplacer("/", "-", ".yaml", "").Replace("s-" + name)
		text = strings.Replace(service(id), "spec: {", fmt.Sprintf("spec: {selector: {app: v%d}, ", random.IntN(3)), 1)
		if random.IntN(3) == 0 {
			text += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + id + ", namespace: n" + fmt.Sprint(random.IntN(3)) + "}\n"
		}
	}
	if random.IntN(4) == 0 {
		text = ""
	}
	return name, text
}

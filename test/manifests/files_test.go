package manifests

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

const deployDir = "../../deploy/"

// namespace is where everything is.
const namespace = "spillway-system"

// foreign are groups whose types nobody here links.
var foreign = []string{"cert-manager.io/", "monitoring.coreos.com/", "kustomize.config.k8s.io/"}

// apart are files that no kustomization names: those for further clusters, and what not every cluster has operators for.
var apart = []string{"rbac/member.yaml", "manifests/optional/cert-manager.yaml", "manifests/optional/prometheus.yaml"}

func yamlFiles(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"rbac/*.yaml", "manifests/*.yaml", "manifests/*/*.yaml", "dashboards/*.yaml"} {
		files, err := filepath.Glob(deployDir + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		all = append(all, files...)
	}
	return all
}

// objects are those of all files whose types are linked, as a strict API server reads them.
func objects(t *testing.T) (all []metav1.Object) {
	t.Helper()
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, file := range yamlFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var any map[string]any
			if err := yaml.UnmarshalStrict(document, &any); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			version, _ := any["apiVersion"].(string)
			if slices.ContainsFunc(foreign, func(group string) bool { return strings.HasPrefix(version, group) }) {
				continue
			}
			o, _, err := decoder.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all = append(all, metaOf(t, o))
		}
	}
	return all
}

func metaOf(t *testing.T, o runtime.Object) metav1.Object {
	t.Helper()
	named, ok := o.(metav1.Object)
	if !ok {
		t.Fatalf("%T has no name", o)
	}
	return named
}

// of are the objects of one type, by name.
func of[T metav1.Object](t *testing.T) map[string]T {
	t.Helper()
	all := map[string]T{}
	for _, o := range objects(t) {
		if one, ok := o.(T); ok {
			all[one.GetName()] = one
		}
	}
	if len(all) == 0 {
		t.Fatalf("no %T", *new(T))
	}
	return all
}

// TestEveryObjectDecodes strictly, and none has the name of another one of its type.
func TestEveryObjectDecodes(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range objects(t) {
		kind := o.(runtime.Object).GetObjectKind().GroupVersionKind().Kind
		if key := kind + " " + o.GetName(); seen[key] {
			t.Errorf("two of %s", key)
		} else {
			seen[key] = true
		}
		if of := o.GetNamespace(); of != namespace && kind != "Namespace" && !strings.HasPrefix(kind, "Cluster") {
			t.Errorf("%s %s is in namespace %q", kind, o.GetName(), of)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d objects", len(seen))
	}
}

// TestKustomizationsNameEveryFile that is not to be applied apart, and none that is not there.
func TestKustomizationsNameEveryFile(t *testing.T) {
	named := map[string]bool{}
	for _, file := range apart {
		named[deployDir+file] = true
	}
	var kustomizations []string
	for _, file := range yamlFiles(t) {
		if filepath.Base(file) == "kustomization.yaml" {
			kustomizations = append(kustomizations, file)
			named[file] = true
		}
	}
	for _, file := range kustomizations {
		for _, path := range namesOf(t, file) {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			named[path] = true
		}
	}
	files := append(yamlFiles(t), glob(t, deployDir+"dashboards/*.json")...)
	for _, file := range files {
		if !named[file] {
			t.Errorf("no kustomization names %s; there are %v", file, slices.Sorted(maps.Keys(named)))
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// namesOf are the files and directories that a kustomization takes in.
func namesOf(t *testing.T, file string) (paths []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var k struct {
		Resources          []string
		ConfigMapGenerator []struct{ Files []string }
	}
	if err := yaml.Unmarshal(text, &k); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	names := k.Resources
	for _, g := range k.ConfigMapGenerator {
		names = append(names, g.Files...)
	}
	for _, name := range names {
		paths = append(paths, filepath.Join(filepath.Dir(file), name))
	}
	return paths
}

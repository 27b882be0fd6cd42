package schema

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// example is a manifest of the rules' cases.
type example struct {
	name  string
	valid bool
	gvk   schema.GroupVersionKind
	value map[string]any
}

func examples(t *testing.T) []example {
	t.Helper()
	names, err := filepath.Glob("../testdata/rules/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var found []example
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			docs, _ := document.Parse(f.Data)
			if f.Name == "want" || len(docs) != 1 {
				continue
			}
			gvk, _ := identify(docs[0].Value)
			found = append(found, example{filepath.Base(name) + " " + f.Name, strings.HasPrefix(f.Name, "valid"), gvk, docs[0].Value})
		}
	}
	return found
}

// TestQuickAgreesWithTheAPIServersValidators changes the rules' cases at random and wants the API server's own code to
// find nothing wrong with whatever the quick check takes for valid.
func TestQuickAgreesWithTheAPIServersValidators(t *testing.T) {
	r := NewRegistry()
	random := rand.New(rand.NewPCG(1, 2))
	quickly := 0
	for _, e := range examples(t) {
		lazy := r.crds[e.gvk]
		if lazy == nil {
			continue
		}
		c, err := lazy.get()
		if err != nil {
			t.Fatal(err)
		}
		e.value["metadata"] = map[string]any{"name": "x"}
		if e.valid && !c.quick.object(defaulted(c, e.value)) && !strings.HasPrefix(e.name, "gateway.txtar") { // addresses are a union
			t.Errorf("%s: valid, but not quickly", e.name)
		}
		for range 20 {
			value := mutate(random, defaulted(c, e.value))
			defaulting.Default(value, c.structural)
			if !c.quick.object(value) {
				continue
			}
			quickly++
			if violations := c.checkInFull(runtime.DeepCopyJSON(value)); len(violations) > 0 {
				t.Errorf("%s: the quick check misses %v in %v", e.name, violations, value)
			}
		}
	}
	if quickly < 500 {
		t.Errorf("only %d values were valid", quickly)
	}
}

func defaulted(c *crd, value map[string]any) map[string]any {
	value = runtime.DeepCopyJSON(value)
	defaulting.Default(value, c.structural)
	return value
}

// mutate changes one place below spec: drops it, doubles it, or puts something else there.
func mutate(random *rand.Rand, value map[string]any) map[string]any {
	if spec, ok := value["spec"]; ok {
		value["spec"] = change(random, spec)
	}
	return value
}

func change(random *rand.Rand, v any) any {
	others := []any{"", "a", "A b", "/x", "*", "HTTP", int64(0), int64(80), int64(70000), 1.5, true, nil, []any{}, map[string]any{}}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		if len(names) == 0 {
			return others[random.IntN(len(others))]
		}
		name := names[random.IntN(len(names))]
		switch random.IntN(6) {
		case 0:
			delete(v, name)
		case 1:
			v[names[random.IntN(len(names))]] = runtime.DeepCopyJSONValue(v[name])
		default:
			v[name] = change(random, v[name])
		}
		return v
	case []any:
		if len(v) == 0 || random.IntN(8) == 0 {
			return append(v, others[random.IntN(len(others))])
		}
		i := random.IntN(len(v))
		switch random.IntN(5) {
		case 0:
			return slices.Delete(v, i, i+1)
		case 1:
			return append(v, runtime.DeepCopyJSONValue(v[i]))
		default:
			v[i] = change(random, v[i])
			return v
		}
	default:
		return others[random.IntN(len(others))]
	}
}

package rbac

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/outbox"
)

var update = flag.Bool("update", false, "write the rules that are needed")

const rulesDir = "../../deploy/rbac/"

// scenarios are what translators are tested with.
var scenarios = []string{"../../internal/gateway/testdata/*.txtar", "../../internal/neg/controller/testdata/*.txtar"}

// need is one verb on one resource.
type need struct{ group, resource, verb string }

type needs map[need]bool

// TestRulesAreWhatIsNeeded plays every scenario in the config cluster, and once more in a cluster that is only a member.
func TestRulesAreWhatIsNeeded(t *testing.T) {
	config, member := reads(true), reads(false)
	f, n := newFiles(), 0
	for _, pattern := range scenarios {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			n++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { collect(t, f, file, config, member) })
		}
	}
	if n < 100 {
		t.Fatalf("%d scenarios", n)
	}
	compare(t, "config", "the config cluster", config)
	compare(t, "member", "a cluster that is only a member", member)
}

// reads are what a cluster is watched for.
func reads(configCluster bool) needs {
	all := needs{}
	for _, k := range cluster.Watched(configCluster) {
		all[need{k.Group, k.Plural, "list"}] = true
		all[need{k.Group, k.Plural, "watch"}] = true
	}
	return all
}

func collect(t *testing.T, f *files, file string, config, member needs) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	newWorld(t, f, false, func(op *outbox.Op) { config.add(op) }).play(archive)
	newWorld(t, f, true, func(op *outbox.Op) {
		if op.Ref.Cluster == "config" || op.Ref.Cluster == "" { // a Configuration is of no member
			config.add(op)
		} else {
			member.add(op)
		}
	}).play(archive)
}

// add is what an API server has to permit for a request of an outbox.
func (n needs) add(op *outbox.Op) {
	k, ok := kind.Of(op.Ref.Kind)
	if !ok {
		panic(op.Ref.Kind)
	}
	resource, verb := k.Plural, string(op.Verb)
	if op.Verb == outbox.PatchStatus {
		resource, verb = resource+"/status", "patch"
	}
	n[need{k.Group, resource, verb}] = true
}

// rules says the same in as few rules as there are sets of verbs in each group.
func (n needs) rules() []rbacv1.PolicyRule {
	verbs := map[[2]string][]string{}
	for one := range n {
		of := [2]string{one.group, one.resource}
		verbs[of] = append(verbs[of], one.verb)
	}
	byVerbs := map[[2]string][]string{}
	for of, list := range verbs {
		slices.Sort(list)
		key := [2]string{of[0], strings.Join(list, ",")}
		byVerbs[key] = append(byVerbs[key], of[1])
	}
	var rules []rbacv1.PolicyRule
	keys := slices.SortedFunc(maps.Keys(byVerbs), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		resources := byVerbs[key]
		slices.Sort(resources)
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{key[0]}, Resources: resources, Verbs: strings.Split(key[1], ",")})
	}
	return rules
}

// head is the beginning of each file.
const head = "# Written by `go test ./test/rbac -update`: what the controller asks of %s.\n" +
	"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: spillway-%s\nrules:\n"

func compare(t *testing.T, name, of string, n needs) {
	t.Helper()
	body, err := yaml.Marshal(n.rules())
	if err != nil {
		t.Fatal(err)
	}
	want := append(fmt.Appendf(nil, head, of, name), body...)
	file := rulesDir + name + ".yaml"
	got, err := os.ReadFile(file)
	if err == nil && bytes.Equal(got, want) {
		return
	}
	if !*update {
		t.Errorf("%s is not what the controller needs (%v); go test ./test/rbac -update writes:\n%s", file, err, want)
		return
	}
	if err := os.WriteFile(file, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

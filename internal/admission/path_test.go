package admission

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

// TestPaths: every cluster has one of its own that API servers take.
func TestPaths(t *testing.T) {
	seen := map[string]string{}
	for _, cluster := range []string{"west", "gke-west-1.a", "gke_p_us-west1-a_c", "arn:aws:eks:us-east-1:123456789012:cluster/web", "West", "hex-61", "a", "a b", "hex-"} {
		path := Path(Validate, cluster)
		part := strings.TrimPrefix(path, "/"+Validate+"/")
		if problems := validation.IsDNS1123Subdomain(part); len(problems) > 0 || clusterOf(part) != cluster || seen[path] != "" {
			t.Errorf("%q: %s, which is of %q: %v", cluster, path, clusterOf(part), problems)
		}
		seen[path] = cluster
	}
	if Path(Pods, "west") != "/pods/west" {
		t.Error("a plain name is not in the path as it is")
	}
	if got := clusterOf("hex-zz"); got != "" {
		t.Errorf("what is no name is %q", got)
	}
}

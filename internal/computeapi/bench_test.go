package computeapi_test

import (
	"fmt"
	"testing"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

// BenchmarkTenThousandServices lists as many backend services with Google's client, page by page, of a model that is new each time.
func BenchmarkTenThousandServices(b *testing.B) {
	const all = 10_000
	m := &lbv1.Model{Seq: 1}
	for i := range all {
		m.Resources = append(m.Resources, resource(fmt.Sprintf("gkemcg1-shop-service-%d-8080-abcdefghijkl", i), &lbv1.BackendService{
			HealthCheck: "check", Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Description: `{"k8sResource":"/namespaces/shop/services/s"}`,
			Backends: []*lbv1.Backend{{Group: "us-west1-a/neg"}, {Group: "us-west1-b/neg"}, {Group: "us-west1-c/neg"}},
		}))
	}
	url, _ := start(b, m, computeapi.ReadOnly)
	client := official(b, url)
	for b.Loop() {
		m.Seq++
		seen := 0
		err := client.BackendServices.List("p").Pages(b.Context(), func(l *api.BackendServiceList) error {
			seen += len(l.Items)
			return nil
		})
		if err != nil || seen != all {
			b.Fatalf("%d, %v", seen, err)
		}
	}
}

package computeapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"syscall"
	"testing"
	"time"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

// all is how many backend services are listed, and how many endpoints a group has.
const all = 10_000

// manyServices is a model of as many backend services of three backends each.
func manyServices() *lbv1.Model {
	m := &lbv1.Model{Seq: 1}
	for i := range all {
		m.Resources = append(m.Resources, resource(fmt.Sprintf("gkemcg1-shop-service-%d-8080-abcdefghijkl", i), &lbv1.BackendService{
			HealthCheck: "check", Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Description: `{"k8sResource":"/namespaces/shop/services/s"}`,
			Backends: []*lbv1.Backend{{Group: "us-west1-a/neg"}, {Group: "us-west1-b/neg"}, {Group: "us-west1-c/neg"}},
		}))
	}
	return m
}

// BenchmarkTenThousandServices lists them with Google's client, page by page, of a model that is new each time.
func BenchmarkTenThousandServices(b *testing.B) {
	m := manyServices()
	url, _ := start(b, m, computeapi.ReadOnly)
	client := official(b, url)
	defer reportCPU(b, cpu())
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

// BenchmarkAnswers is what the server does of such lists alone: a client that only looks for the next page asks it.
func BenchmarkAnswers(b *testing.B) {
	const p = "/compute/v1/projects/p/"
	many, group := manyServices(), model(all)
	for _, of := range []struct {
		name, method, path string
		model              *lbv1.Model
	}{
		{"list", http.MethodGet, p + "global/backendServices", many},
		{"aggregatedList", http.MethodGet, p + "aggregated/backendServices", many},
		{"filtered", http.MethodGet, p + "global/backendServices?filter=name+eq+.*-99..-.*", many},
		{"listNetworkEndpoints", http.MethodPost, p + "zones/us-west1-a/networkEndpointGroups/neg/listNetworkEndpoints", group},
	} {
		b.Run(of.name, func(b *testing.B) {
			handler := computeapi.New(source{of.model}, nil, fixedClock).Handler(computeapi.ReadOnly)
			defer reportCPU(b, cpu())
			for b.Loop() {
				of.model.Seq++
				walk(b, handler, of.method, of.path)
			}
		})
	}
}

// walk asks for one page after the other.
func walk(b *testing.B, handler http.Handler, method, path string) {
	address, err := url.Parse(path)
	if err != nil {
		b.Fatal(err)
	}
	query := address.Query()
	for {
		address.RawQuery = query.Encode()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, address.String(), nil))
		body := w.Body.Bytes()
		if w.Code != http.StatusOK {
			b.Fatalf("%d: %s", w.Code, body)
		}
		found := nextPage.FindSubmatch(body)
		if found == nil {
			return
		}
		query.Set("pageToken", string(found[1]))
	}
}

var nextPage = regexp.MustCompile(`"nextPageToken":"([^"]+)"`)

// cpu is how long the process has had a processor: of a busy machine, it says more than the time that went by.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func reportCPU(b *testing.B, before time.Duration) {
	b.ReportMetric(float64((cpu()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
}

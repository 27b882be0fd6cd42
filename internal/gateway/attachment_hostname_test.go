package gateway

import (
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestIntersect(t *testing.T) {
	for _, c := range []struct {
		listener string
		route    []gatewayv1.Hostname
		want     []string
	}{
		{"*", nil, []string{"*"}},
		{"a.example.com", nil, []string{"a.example.com"}},
		{"*", []gatewayv1.Hostname{"b.com", "A.com"}, []string{"a.com", "b.com"}},
		{"a.example.com", []gatewayv1.Hostname{"*.example.com"}, []string{"a.example.com"}},
		{"*.example.com", []gatewayv1.Hostname{"a.example.com", "example.com", "a.b.example.com"}, []string{"a.b.example.com", "a.example.com"}},
		{"*.example.com", []gatewayv1.Hostname{"*.a.example.com", "*.com"}, []string{"*.a.example.com", "*.example.com"}},
		{"*.example.com", []gatewayv1.Hostname{"*.example.com", "*.example.com"}, []string{"*.example.com"}},
		{"*.example.com", []gatewayv1.Hostname{"badexample.com"}, nil},
		{"a.example.com", []gatewayv1.Hostname{"b.example.com"}, nil},
	} {
		if got := intersect(c.listener, c.route); !slices.Equal(got, c.want) {
			t.Errorf("%s and %v have %v in common, want %v", c.listener, c.route, got, c.want)
		}
	}
}

package annotation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/neg/annotation"
)

func service(text string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "s", Annotations: map[string]string{annotation.Name: text}},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Port: 80}, {Port: 443, Protocol: corev1.ProtocolTCP}, {Port: 53, Protocol: corev1.ProtocolUDP},
		}},
	}
}

func TestWhatIsAsked(t *testing.T) {
	for text, want := range map[string]struct {
		ingress bool
		ports   int
		err     string
	}{
		`{}`:                {},
		`{"ingress": true}`: {ingress: true},
		`{"ingress":false,"exposed_ports":{"80":{},"443":{"name":"mine"}}}`: {ports: 2},
		`{"ingress":true,"exposed_ports":{"80":{}}}`:                        {ingress: true, ports: 1},
		`{"zones":["*"]}`:                          {},
		`{"ingress":`:                              {err: "NEG annotation is invalid."},
		`{"ingress":"yes"}`:                        {err: "NEG annotation is invalid."},
		`{"exposed_ports":{"http":{}}}`:            {err: "NEG annotation is invalid."},
		`[]`:                                       {err: "NEG annotation is invalid."},
		`{"exposed_ports":{"81":{}}}`:              {ports: 1, err: `port 81 specified in "cloud.google.com/neg" doesn't exist in the service`},
		`{"exposed_ports":{"53":{}}}`:              {ports: 1, err: `port 53 specified in "cloud.google.com/neg" doesn't exist in the service`},
		`{"exposed_ports":{"80":{"name":"Mine"}}}`: {ports: 1, err: `port 80 specified in "cloud.google.com/neg": "Mine" is no name of a network endpoint group: letters, digits and hyphens, a letter first, at most 63`},
		`{"ingress":true,"exposed_ports":{"80":{"name":"mine"}}}`: {ingress: true, ports: 1, err: `configuration for negs in service (n/s) is invalid, custom neg name cannot be used with ingress enabled`},
	} {
		asked, explicit, err := annotation.Ask(service(text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if !explicit || asked.Ingress != want.ingress || len(asked.Exposed) != want.ports || got != want.err {
			t.Errorf("%s: %+v, explicit %t, %q", text, asked, explicit, got)
		}
	}
	asked, explicit, err := annotation.Ask(&corev1.Service{})
	if !asked.Ingress || explicit || err != nil {
		t.Errorf("a Service that says nothing: %+v, explicit %t, %v", asked, explicit, err)
	}
}

// FuzzAsk: no text of an annotation does more than fail.
func FuzzAsk(f *testing.F) {
	for _, text := range []string{"", `{"ingress":true}`, `{"exposed_ports":{"80":{"name":"mine"}}}`, `{"exposed_ports":{"99999999999":{}}}`, `{"exposed_ports":null}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked, _, err := annotation.Ask(service(text))
		if err != nil {
			return
		}
		for port := range asked.Exposed {
			if _, ok := annotation.Port(service(text), port); !ok {
				t.Errorf("%q: port %d is not the Service's", text, port)
			}
		}
	})
}

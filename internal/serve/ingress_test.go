package serve

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/store"
)

const tenReplicas = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: a}, {secretName: b}]
  defaultBackend: {service: {name: ten, port: {name: http}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: theirs}
spec: {ingressClassName: some-invalid-class-name, defaultBackend: {service: {name: ten, port: {name: http}}}}
---
apiVersion: v1
kind: Service
metadata: {name: ten}
spec: {selector: {app: ten}, ports: [{name: http, port: 8080, targetPort: 3000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ten}
spec:
  replicas: 10
  selector: {matchLabels: {app: ten}}
  template:
    metadata: {labels: {app: ten}}
    spec:
      containers:
      - {name: c, image: gcr.io/k8s-staging-gateway-api/echo-basic, ports: [{containerPort: 3000}]}
`

// echoed is what the sample image says of a request.
type echoed struct{ Path, Host, Method, Proto, Pod string }

// TestIngressConformance asks what kubernetes-sigs/ingress-controller-conformance asks in its features default_backend, load_balancing,
// host_rules (TLS) and ingress_class; those on hosts and paths are in the script ingress.txtar.
func TestIngressConformance(t *testing.T) {
	r := start(t, map[string]string{"web.yaml": tenReplicas, "a.yaml": pairSecret(t, "a", "a.test"), "b.yaml": pairSecret(t, "b", "b.test")}, time.Second)
	web := &ingressClient{t: t, http: &http.Client{}}
	t.Cleanup(web.http.CloseIdleConnections)
	eventually(t, "the Ingress answers", func() bool {
		web.at = r.ingressAt("web", "http")
		_, _, err := web.ask(http.MethodGet, "/")
		return web.at != "" && err == nil
	})

	for method, path := range map[string]string{
		http.MethodGet: "/test-path", http.MethodPost: "/", http.MethodPut: "/", http.MethodDelete: "/", http.MethodPatch: "/x/y",
	} {
		resp, said, err := web.ask(method, path)
		if err != nil {
			t.Fatal(err)
		}
		if said.Method != method || said.Path != path || said.Proto != "HTTP/1.1" || said.Host != "any.test" || resp.Proto != "HTTP/1.1" {
			t.Errorf("%s %s: the backend saw %+v; answered with %s", method, path, said, resp.Proto)
		}
		for _, name := range []string{"Content-Length", "Content-Type", "Date"} {
			if resp.Header.Get(name) == "" {
				t.Errorf("%s %s: no field %s in the answer", method, path, name)
			}
		}
	}

	eventually(t, "a hundred requests reach all ten Pods", func() bool {
		pods := map[string]int{}
		for range 100 {
			_, said, err := web.ask(http.MethodGet, "/")
			if err != nil {
				return false
			}
			pods[said.Pod]++
		}
		return len(pods) == 10
	})

	secure := r.ingressAt("web", "https")
	for name, want := range map[string]string{"a.test": "a.test", "b.test": "b.test", "unknown.test": "a.test"} {
		leaf, code := handshake(t, secure, name)
		if err := leaf.VerifyHostname(want); err != nil || code != http.StatusOK {
			t.Errorf("SNI %s: status %d, and the certificate is not that of %s: %v", name, code, want, err)
		}
	}
	if at := r.ingressAt("theirs", "http"); at != "" {
		t.Errorf("another controller's Ingress is served at %s", at)
	}
	r.backendsAndGates(t)
}

// backendsAndGates: the Ingress says that its backend service is healthy, and its Pods have a gate, which is open.
func (r *running) backendsAndGates(t *testing.T) {
	t.Helper()
	eventually(t, "ingress.kubernetes.io/backends says HEALTHY", func() bool {
		for _, ref := range r.store.Snapshot().List(kind.Ingress, "", "") {
			if e := r.store.Snapshot().Get(ref); ref.Name == "web" && e != nil && e.Written != nil {
				text := e.Written.Annotations["ingress.kubernetes.io/backends"]
				return strings.HasPrefix(text, `{"k8s1-`) && strings.HasSuffix(text, `":"HEALTHY"}`)
			}
		}
		return false
	})
	eventually(t, "the gates of ten Pods are open", func() bool {
		open := 0
		snapshot := r.store.Snapshot()
		snapshot.Walk(kind.Pod, "", "", func(e *store.Entry) bool {
			pod, ok := e.Object.(*corev1.Pod)
			if !ok || !readiness.Gated(pod) {
				return true
			}
			for _, c := range store.LatestStatus(e.Written, &pod.Status).Conditions {
				if c.Type == readiness.Gate && c.Status == corev1.ConditionTrue {
					open++
				}
			}
			return true
		})
		return open == 10
	})
}

// ingressAt is host and port of an Ingress, "" while it has none.
func (r *running) ingressAt(name, listener string) string {
	for _, u := range r.source.URLs() {
		if parsed, err := url.Parse(u.URL); err == nil && u.Kind == "Ingress" && u.Name == name && u.Listener == listener {
			return parsed.Host
		}
	}
	return ""
}

// ingressClient asks for any.test on connections that live.
type ingressClient struct {
	t    *testing.T
	http *http.Client
	at   string
}

func (c *ingressClient) ask(method, path string) (*http.Response, echoed, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+c.at+path, nil)
	if err != nil {
		return nil, echoed{}, err
	}
	req.Host = "any.test"
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, echoed{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, echoed{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, echoed{}, fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, body)
	}
	var said echoed
	return resp, said, json.Unmarshal(body, &said)
}

// handshake asks for a server name, and for "/" of that host.
func handshake(t *testing.T, at, name string) (leaf *x509.Certificate, code int) {
	t.Helper()
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the certificate is compared, not trusted
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at)
		},
	}
	resp, err := (&http.Client{Transport: transport}).Get("https://" + name + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.TLS.PeerCertificates[0], resp.StatusCode
}

// pairSecret is the manifest of a Secret with a certificate for one host.
func pairSecret(t *testing.T, name, host string) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s}\ntype: kubernetes.io/tls\ndata: {tls.crt: %s, tls.key: %s}\n",
		name, encode("CERTIFICATE", der), encode("PRIVATE KEY", key))
}

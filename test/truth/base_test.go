package truth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"
)

// gateway is the Gateway of every world. MORE stands for more fields of its spec, FROM for who may attach.
const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: $GW, namespace: default}
spec:
  gatewayClassName: gke-l7-regional-external-managed
  listeners:
  - {name: http, protocol: HTTP, port: 8080, allowedRoutes: {namespaces: {from: All}}}
  - {name: https, protocol: HTTPS, port: 8443, hostname: foo.test, tls: {certificateRefs: [{name: cert}]}}
`

const app = `
apiVersion: v1
kind: Service
metadata: {name: app, namespace: default}
spec: {selector: {app: app}, ports: [{name: main, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: default}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: spillway/test-app, ports: [{containerPort: 8080}]}]}
`

// far is a backend of another namespace, with the grant in a file of its own.
const far = `
apiVersion: v1
kind: Service
metadata: {name: far, namespace: other}
spec: {selector: {app: far}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: far, namespace: other}
spec:
  selector: {matchLabels: {app: far}}
  template:
    metadata: {labels: {app: far}}
    spec: {containers: [{name: far, image: spillway/test-app, ports: [{containerPort: 8080}]}]}
`

const grant = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: grant, namespace: other}
spec:
  from:
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}
  - {group: gateway.networking.k8s.io, kind: Gateway, namespace: default}
  to: [{group: "", kind: Service}, {group: "", kind: Secret}]
`

// route is an HTTPRoute of the Gateway with a host and rules in flow style.
func route(name, host, rules string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s, namespace: default}
spec:
  parentRefs: [{name: $GW}]
  hostnames: [%s]
  rules: [%s]
`, name, host, rules)
}

const toApp = "{backendRefs: [{name: app, port: 80}]}"

// secret is a kubernetes.io/tls Secret with a certificate of its own.
func secret(t *testing.T, namespace, name, host string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: %s}
type: kubernetes.io/tls
data: {tls.crt: %s, tls.key: %s}
`, name, namespace, encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER))
}

// base is a world in order: three routes that serve, a certificate, and nothing broken.
func base(t *testing.T) map[string]string {
	return map[string]string{
		"gateway.yaml": gateway,
		"app.yaml":     app,
		"cert.yaml":    secret(t, "default", "cert", "foo.test"),
		"good.yaml":    route("good", "good.test", toApp),
		"secure.yaml":  route("secure", "foo.test", toApp),
		"r.yaml":       route("r", "r.test", toApp),
	}
}

package serve

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// knob is a setting of a Configuration, and what a request shows of it.
type knob struct {
	// name is that of the Gateway, and of the Service, that the setting is for.
	name, setting string
	// shows returns what is wrong, or nil.
	shows func(k *knobs) error
}

// knobs is a server with a Gateway and a Service for each knob, and one of each, plain, without any.
type knobs struct {
	*running
	log   *buffer
	knob  string
	plain bool // the one without the setting is asked
}

// target is the Gateway to ask.
func (k *knobs) target() string {
	if k.plain {
		return "plain"
	}
	return k.knob
}

// frontendKnobs are asked at their Gateways.
var frontendKnobs = []knob{
	{"hops", "trustedHops: 1", (*knobs).clientIsForwarded},
	{"idle", "limits: {idleTimeout: 300ms}", func(k *knobs) error { return k.closes("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "200") }},
	{"head", "limits: {headerTimeout: 300ms}", func(k *knobs) error { return k.closes("GET / HTTP/1.1\r\nhost: a\r\n", "") }},
	{"stream", "limits: {streamIdleTimeout: 300ms}", func(k *knobs) error {
		return k.closes("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\na", "")
	}},
	{"request", "limits: {requestTimeout: 300ms}", func(k *knobs) error { return k.answers("GET /delay/1h HTTP/1.1\r\nhost: a\r\n\r\n", "504") }},
	{"headbytes", "limits: {maxHeaderBytes: 1024}", func(k *knobs) error {
		return k.answers("GET / HTTP/1.1\r\nhost: a\r\na: "+strings.Repeat("x", 2000)+"\r\n\r\n", "431")
	}},
	{"headcount", "limits: {maxHeaderCount: 5}", func(k *knobs) error {
		return k.answers("GET / HTTP/1.1\r\nhost: a\r\n"+strings.Repeat("a: b\r\n", 9)+"\r\n", "431")
	}},
	{"uri", "limits: {maxUriBytes: 64}", func(k *knobs) error {
		return k.answers("GET /"+strings.Repeat("x", 99)+" HTTP/1.1\r\nhost: a\r\n\r\n", "414")
	}},
	{"body", "limits: {maxBodyBytes: 4}", func(k *knobs) error {
		return k.answers("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345", "413")
	}},
	{"conns", "limits: {maxConnections: 1}", (*knobs).oneConnection},
	{"slashes", "requestPolicy: {repeatedSlashes: REJECT}", func(k *knobs) error { return k.answers("GET /a//b HTTP/1.1\r\nhost: a\r\n\r\n", "400") }},
	{"backslashes", "requestPolicy: {backslashes: REJECT}", func(k *knobs) error { return k.answers("GET /a\\b HTTP/1.1\r\nhost: a\r\n\r\n", "400") }},
	{"unreserved", "requestPolicy: {encodedUnreserved: REJECT}", func(k *knobs) error { return k.answers("GET /%61 HTTP/1.1\r\nhost: a\r\n\r\n", "400") }},
	{"encslashes", "requestPolicy: {encodedSlashes: REJECT}", func(k *knobs) error { return k.answers("GET /a%2fb HTTP/1.1\r\nhost: a\r\n\r\n", "400") }},
	{"dots", "requestPolicy: {dotSegmentParameters: REJECT}", func(k *knobs) error { return k.answers("GET /a/..;x/b HTTP/1.1\r\nhost: a\r\n\r\n", "400") }},
	{"underscores", "requestPolicy: {underscores: REJECT_ALL}", func(k *knobs) error { return k.answers("GET / HTTP/1.1\r\nhost: a\r\na_b: c\r\n\r\n", "400") }},
	{"alpn", "alpn: [http/1.1]", func(k *knobs) error {
		return k.handshake(&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, func(s tls.ConnectionState) bool { return s.NegotiatedProtocol == "http/1.1" })
	}},
}

// backendKnobs are asked with the first segment of the path naming their Services.
var backendKnobs = []knob{
	{"requests", "limits: {maxRequests: 1}", func(k *knobs) error { return k.secondIsTurnedAway() }},
	{"upstreams", "limits: {maxConnections: 1}", func(k *knobs) error { return k.secondIsTurnedAway() }},
	{"outliers", "outlierDetection: {consecutiveErrors: 1, baseEjectionTime: 1h}", func(k *knobs) error { return k.podsAfterAnError(1) }},
	{"percent", "outlierDetection: {consecutiveErrors: 1, baseEjectionTime: 1h, maxEjectionPercent: 1}", func(k *knobs) error {
		if k.plain {
			return errors.New("as others that take nobody out")
		}
		return k.podsAfterAnError(2)
	}},
	{"ejection", "outlierDetection: {consecutiveErrors: 1, baseEjectionTime: 100ms}", func(k *knobs) error {
		if k.plain {
			return errors.New("as others that take nobody out")
		}
		return k.outIsBack()
	}},
}

// TestEveryKnobIsSeenByARequest asks a Gateway with each setting, and one without any, which must not show it.
func TestEveryKnobIsSeenByARequest(t *testing.T) {
	k := startKnobs(t)
	for _, knob := range append(append([]knob{}, frontendKnobs...), backendKnobs...) {
		t.Run(knob.name, func(t *testing.T) {
			k.knob = knob.name
			var problem error
			eventually(t, "the Gateway answers", func() bool { return k.ready(k.target()) })
			for range 3 { // a Pod may just be coming
				if problem = knob.shows(k); problem == nil {
					break
				}
			}
			if problem != nil {
				t.Errorf("with %s: %v", knob.setting, problem)
			}
			k.plain = true
			defer func() { k.plain = false }()
			eventually(t, "the plain Gateway answers", func() bool { return k.ready("plain") })
			if knob.shows(k) == nil {
				t.Errorf("what %s does is seen without it", knob.setting)
			}
		})
	}
	t.Run("sslPolicies", func(t *testing.T) {
		k.knob = "policy"
		eventually(t, "TLS 1.3 is spoken", func() bool {
			return k.handshake(&tls.Config{MinVersion: tls.VersionTLS13}, func(tls.ConnectionState) bool { return true }) == nil
		})
		if k.handshake(&tls.Config{MaxVersion: tls.VersionTLS12}, func(tls.ConnectionState) bool { return true }) == nil {
			t.Error("minTlsVersion TLS_1_3, and TLS 1.2 is spoken")
		}
	})
	t.Run("addresses", func(t *testing.T) {
		if at := k.at("named", "http"); !strings.HasPrefix(at, namedAddress+":") || !k.ready("named") {
			t.Errorf("the NamedAddress is at %s", at)
		}
	})
	t.Run("images", func(t *testing.T) {
		eventually(t, "what stands for the image answers", func() bool {
			body, err := k.body("plain", "/image")
			return err == nil && body == "that image"
		})
	})
	t.Run("project", func(t *testing.T) {
		if !strings.Contains(k.log.String(), "knobs-project") {
			t.Error("the access log does not name the project")
		}
	})
}

// namedAddress is one that no Gateway gets by hash.
const namedAddress = "127.9.9.7"

func startKnobs(t *testing.T) *knobs {
	t.Helper()
	image := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "that image") }))
	t.Cleanup(image.Close)
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &running{dir: filepath.Join(dir, "d")}
	r.write(t, "spillway.yaml", knobConfiguration(image.Listener.Addr().String()))
	r.write(t, "app.yaml", knobObjects(t))
	k := &knobs{log: &buffer{}}
	k.running = startWith(t, dir, func(c *Config) { c.AccessLog = k.log })
	return k
}

func knobConfiguration(image string) string {
	var b strings.Builder
	b.WriteString("apiVersion: spillway.dev/v1alpha1\nkind: Configuration\nmetadata: {name: spillway}\nspec:\n")
	b.WriteString("  project: {id: knobs-project, number: 7}\n")
	fmt.Fprintf(&b, "  addresses: [{name: known, address: %s}]\n", namedAddress)
	fmt.Fprintf(&b, "  images: [{image: that/image, address: '%s'}]\n", image)
	b.WriteString("  sslPolicies: [{name: strict, minTlsVersion: TLS_1_3}]\n  frontends:\n")
	for _, k := range frontendKnobs {
		fmt.Fprintf(&b, "  - {gateway: {namespace: default, name: %s}, %s}\n", k.name, k.setting)
	}
	b.WriteString("  backends:\n")
	for _, k := range backendKnobs {
		fmt.Fprintf(&b, "  - {service: {namespace: default, name: %s}, %s}\n", k.name, k.setting)
	}
	return b.String()
}

func knobObjects(t *testing.T) string {
	var b, parents strings.Builder
	gateways := []string{"plain", "named", "policy"}
	for _, k := range frontendKnobs {
		gateways = append(gateways, k.name)
	}
	for _, name := range gateways {
		address := ""
		if name == "named" {
			address = "addresses: [{type: NamedAddress, value: known}], "
		}
		fmt.Fprintf(&b, "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: %s}\nspec: {gatewayClassName: gke-l7-regional-external-managed, %slisteners: ["+
			"{name: http, protocol: HTTP, port: 8082}, {name: https, protocol: HTTPS, port: 8443, tls: {certificateRefs: [{name: cert}]}}]}\n---\n", name, address)
		fmt.Fprintf(&parents, "{name: %s}, ", name)
	}
	services, rules := []string{"plain"}, ""
	for _, k := range backendKnobs {
		services = append(services, k.name)
	}
	for _, name := range services {
		b.WriteString(knobService(name, "spillway/test-app", 2, 8080))
		rules += fmt.Sprintf("  - {matches: [{path: {value: /%s}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}], backendRefs: [{name: %s, port: 80}]}\n", name, name)
	}
	b.WriteString(knobService("image", "that/image", 1, 8080))
	rules += "  - {matches: [{path: {value: /image}}], backendRefs: [{name: image, port: 80}]}\n  - {backendRefs: [{name: plain, port: 80}]}\n"
	fmt.Fprintf(&b, "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: all}\nspec:\n  parentRefs: [%s]\n  rules:\n%s---\n", parents.String(), rules)
	b.WriteString("apiVersion: networking.gke.io/v1\nkind: GCPGatewayPolicy\nmetadata: {name: p}\nspec: {targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: policy}, default: {sslPolicy: strict}}\n---\n")
	b.WriteString(certificateSecret(t))
	return b.String()
}

func knobService(name, image string, replicas, port int) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{port: 80, targetPort: %[4]d}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[3]d
  selector: {matchLabels: {app: %[1]s}}
  template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: app, image: %[2]s, ports: [{containerPort: %[4]d}]}]}}
---
`, name, image, replicas, port)
}

func certificateSecret(t *testing.T) string {
	t.Helper()
	c, err := calloutserver.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: cert}\ntype: kubernetes.io/tls\ndata: {tls.crt: %s, tls.key: %s}\n",
		encode("CERTIFICATE", c.Certificate[0]), encode("PRIVATE KEY", key))
}

// at is host and port of a listener, "" while it has none.
func (k *knobs) at(gateway, listener string) string {
	for _, u := range k.source.URLs() {
		if parsed, err := url.Parse(u.URL); err == nil && u.Name == gateway && u.Listener == listener {
			return parsed.Host
		}
	}
	return ""
}

func (k *knobs) ready(gateway string) bool {
	if k.isFrontend(gateway) { // asked once only: its limits may be tight
		return k.at(gateway, "http") != "" && k.at(gateway, "https") != ""
	}
	_, err := k.body("plain", "/")
	return err == nil
}

func (k *knobs) isFrontend(name string) bool {
	for _, f := range frontendKnobs {
		if f.name == name {
			return true
		}
	}
	return false
}

func (k *knobs) body(gateway, path string) (string, error) {
	code, body, err := get("http://" + k.at(gateway, "http") + path)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("%d: %s", code, body)
	}
	return body, err
}

// knobPatience bounds the waits for what a setting brings about soon, and what stands without it for longer.
const knobPatience = 15 * time.Second

// dial connects to the Gateway, for as long as the knob has to show; the plain one is not waited for so long.
func (k *knobs) dial() (net.Conn, error) {
	c, err := net.Dial("tcp", k.at(k.target(), "http"))
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(k.wait()))
}

// wait is how long a knob has to show; without it nothing is to be seen for a while.
func (k *knobs) wait() time.Duration {
	if k.plain {
		return time.Second
	}
	return knobPatience
}

// exchange sends a text and returns the status of the first answer, and the connection.
func (k *knobs) exchange(text string) (c net.Conn, r *bufio.Reader, status string, err error) {
	if c, err = k.dial(); err != nil {
		return nil, nil, "", err
	}
	r = bufio.NewReader(c)
	if _, err = io.WriteString(c, text); err != nil {
		return c, r, "", err
	}
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return c, r, "", err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return c, r, fmt.Sprint(response.StatusCode), err
}

// answers wants a status for a request.
func (k *knobs) answers(text, want string) error {
	c, _, status, err := k.exchange(text)
	if c != nil {
		defer c.Close()
	}
	if status != want {
		return fmt.Errorf("answered %q, %v, want %s", status, err, want)
	}
	return nil
}

// closes wants the connection to end in time, after an answer with the status unless that is "".
func (k *knobs) closes(text, want string) error {
	c, r, status, err := k.exchange(text)
	if c != nil {
		defer c.Close()
	}
	if want != "" && status != want {
		return fmt.Errorf("answered %q, %v, want %s", status, err, want)
	}
	if err == nil {
		_, err = r.ReadByte()
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the connection stays")
	}
	return nil
}

// clientIsForwarded wants the client's address from X-Forwarded-For in the access log.
func (k *knobs) clientIsForwarded() error {
	const client = "203.0.113.77"
	before := strings.Count(k.log.String(), `"remoteIp":"`+client)
	if err := k.answers("GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: "+client+"\r\n\r\n", "200"); err != nil {
		return err
	}
	for deadline := time.Now().Add(k.wait()); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if strings.Count(k.log.String(), `"remoteIp":"`+client) > before {
			return nil
		}
	}
	return errors.New("the access log names another client")
}

// oneConnection wants a second connection to be of no use.
func (k *knobs) oneConnection() error {
	first, _, status, err := k.exchange("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
	if first != nil {
		defer first.Close()
	}
	if status != "200" {
		return fmt.Errorf("the first is answered %q, %v", status, err)
	}
	second, _, status, _ := k.exchange("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
	if second != nil {
		defer second.Close()
	}
	if status != "" {
		return fmt.Errorf("the second is answered %s", status)
	}
	return nil
}

// service is where the Service to ask is found.
func (k *knobs) service() string { return "/" + k.target() }

// secondIsTurnedAway wants a 503 for a request while another is under way.
func (k *knobs) secondIsTurnedAway() error {
	base := "http://" + k.at("plain", "http") + k.service()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/delay/1h", nil)
	if err != nil {
		return err
	}
	before := k.active()
	go func() {
		if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	for deadline := time.Now().Add(knobPatience); k.active() == before; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("the first is not under way")
		}
	}
	code, _, err := get(base + "/")
	if err != nil || code != http.StatusServiceUnavailable {
		return fmt.Errorf("the second is answered %d, %v", code, err)
	}
	return nil
}

// outIsBack wants a Pod that was taken out to be asked again in time.
func (k *knobs) outIsBack() error {
	err := k.podsAfterAnError(2)
	for deadline := time.Now().Add(knobPatience); err != nil && time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		err = k.pods(2)
	}
	return err
}

// podsAfterAnError has one Pod fail, and counts those that are asked after it.
func (k *knobs) podsAfterAnError(want int) error {
	base := "http://" + k.at("plain", "http") + k.service()
	if code, _, err := get(base + "/status/500"); err != nil || code != http.StatusInternalServerError {
		return fmt.Errorf("the error is answered %d, %v", code, err)
	}
	return k.pods(want)
}

// pods counts those that are asked.
func (k *knobs) pods(want int) error {
	pods := map[string]bool{}
	for range 40 {
		_, body, err := get("http://" + k.at("plain", "http") + k.service() + "/")
		if err != nil {
			return err
		}
		pods[body] = true
	}
	if len(pods) != want {
		return fmt.Errorf("%d Pods are asked, want %d", len(pods), want)
	}
	return nil
}

// handshake wants a TLS connection of a kind.
func (k *knobs) handshake(c *tls.Config, ok func(tls.ConnectionState) bool) error {
	c.InsecureSkipVerify = true
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: knobPatience}, Config: c}
	conn, err := d.Dial("tcp", k.at(k.target(), "https"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if state := conn.(*tls.Conn).ConnectionState(); !ok(state) {
		return fmt.Errorf("negotiated %q, version %x", state.NegotiatedProtocol, state.Version)
	}
	return nil
}

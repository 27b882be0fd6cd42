package proxy_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/variable"
)

// allVariables is a header for each variable: x-v-NAME.
func allVariables() []*lbv1.Header {
	var out []*lbv1.Header
	for _, id := range variable.All() {
		out = append(out, &lbv1.Header{Name: variableHeader(id.String()), Value: "<{" + id.String() + "}>"})
	}
	return out
}

func variableHeader(name string) string { return "x-v-" + strings.ReplaceAll(name, "_", "-") }

// filledIn is what the variables of a head have become; those that are empty are left out.
func filledIn(h http.Header) map[string]string {
	out := map[string]string{}
	for _, id := range variable.All() {
		values := h.Values(variableHeader(id.String()))
		if len(values) != 1 || len(values[0]) < 2 {
			out[id.String()] = "!" + strings.Join(values, "|")
		} else if v := values[0]; v != "<>" {
			out[id.String()] = v[1 : len(v)-1]
		}
	}
	return out
}

// variableRig has a backend that tells what it saw, and all variables in requests and answers: of a route or of a backend service.
func variableRig(t *testing.T, ofService bool, edit func(*model)) (*rig, <-chan http.Header) {
	seen := make(chan http.Header, 1)
	backend := httpBackend(t, func(_ http.ResponseWriter, q *http.Request) { seen <- q.Header })
	return newRig(t, []string{backend}, func(m *model) {
		if ofService {
			m.service.CustomRequestHeaders, m.service.CustomResponseHeaders = allVariables(), allVariables()
		} else {
			m.route.RequestHeaders = &lbv1.HeaderEdit{Set: allVariables()}
			m.route.ResponseHeaders = &lbv1.HeaderEdit{Add: allVariables()}
		}
		if edit != nil {
			edit(m)
		}
	}), seen
}

// becomes compares, by regular expressions, what variables have become; what is not wanted must be empty.
func becomes(t *testing.T, where string, h http.Header, wanted map[string]string) {
	t.Helper()
	got := filledIn(h)
	for name, pattern := range wanted {
		if !regexp.MustCompile("^(?:" + pattern + ")$").MatchString(got[name]) {
			t.Errorf("%s: {%s} is %q, want %q", where, name, got[name], pattern)
		}
		delete(got, name)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		t.Errorf("%s: {%s} is %q, want nothing", where, name, got[name])
	}
}

const number = `[1-9]\d*`

func TestVariablesWithoutTLS(t *testing.T) {
	for name, ofService := range map[string]bool{"route": false, "service": true} {
		t.Run(name, func(t *testing.T) {
			r, seen := variableRig(t, ofService, nil)
			c := r.dial()
			c.say("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nOrigin: https://o\r\nUser-Agent: x (iPhone) Gecko/\r\n" +
				"x-v-client-region: spoofed\r\nx-v-client-region: twice\r\n\r\n")
			res, _ := c.answer(t, "GET")
			wanted := map[string]string{
				"client_ip_address": `127\.0\.0\.1`, "client_port": number, "server_ip_address": `127\.0\.0\.1`, "server_port": number,
				"client_encrypted": "false", "client_protocol": `HTTP/1\.0`, "client_rtt_msec": `\d*`, "origin_request_header": "https://o",
				"device_request_type": "MOBILE", "user_agent_family": "GECKO",
			}
			becomes(t, "request", <-seen, wanted)
			wanted["cdn_cache_status"] = "disabled"
			becomes(t, "answer", res.Header, wanted)
		})
	}
}

func TestVariablesOfTLS(t *testing.T) {
	authority, pair := certificate(t, "client.example")
	for mode, c := range map[lbv1.ClientValidation_Mode]struct {
		shown []tls.Certificate
		want  map[string]string
	}{
		lbv1.ClientValidation_REQUIRE_VALID: {[]tls.Certificate{pair}, valid(pair)},
		lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK: {nil, map[string]string{
			"client_cert_present": "false", "client_cert_chain_verified": "false", "client_cert_error": "client_cert_not_provided",
		}},
	} {
		t.Run(mode.String(), func(t *testing.T) {
			r, seen := variableRig(t, true, func(m *model) { validated(t, m, authority, mode) })
			res := askTLS(t, r, c.shown)
			wanted := map[string]string{
				"client_ip_address": `127\.0\.0\.1`, "client_port": number, "server_ip_address": `127\.0\.0\.1`, "server_port": number,
				"client_encrypted": "true", "client_protocol": "HTTP/2", "client_rtt_msec": `\d*`, "device_request_type": "UNDETERMINED",
				"user_agent_family": "OTHER", "tls_version": `TLSv1\.3`, "tls_cipher_suite": "130[123]", "tls_sni_hostname": `test\.example`,
				"tls_ja3_fingerprint": "[0-9a-f]{32}", "tls_ja4_fingerprint": "t13d[0-9a-z]{4}h2_[0-9a-f]{12}_[0-9a-f]{12}",
			}
			maps.Copy(wanted, c.want)
			becomes(t, "request", <-seen, wanted)
			wanted["cdn_cache_status"] = "disabled"
			becomes(t, "answer", res.Header, wanted)
		})
	}
}

// TestVariablesOfAnUntrustedCertificate: the handshake goes on, and the backend hears that the certificate is worth nothing.
func TestVariablesOfAnUntrustedCertificate(t *testing.T) {
	authority, _ := certificate(t, "client.example")
	_, other := certificate(t, "client.example")
	r, seen := variableRig(t, true, func(m *model) {
		validated(t, m, authority, lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK)
	})
	askTLS(t, r, []tls.Certificate{other})
	got := filledIn(<-seen)
	for name, want := range map[string]string{
		"client_cert_present": "true", "client_cert_chain_verified": "false", "client_cert_error": variable.CertValidationFailed,
		"client_cert_leaf": "",
	} {
		if got[name] != want {
			t.Errorf("{%s} is %q, want %q", name, got[name], want)
		}
	}
}

// valid is what a verified client's certificate says.
func valid(pair tls.Certificate) map[string]string {
	quoted := func(p []byte) string { return regexp.QuoteMeta(base64.StdEncoding.EncodeToString(p)) }
	sum := sha256.Sum256(pair.Leaf.Raw)
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00`
	return map[string]string{
		"client_cert_present": "true", "client_cert_chain_verified": "true",
		"client_cert_sha256_fingerprint": regexp.QuoteMeta(base64.RawStdEncoding.EncodeToString(sum[:])),
		"client_cert_serial_number":      pair.Leaf.SerialNumber.Text(16),
		"client_cert_dnsname_sans":       quoted([]byte("client.example")),
		"client_cert_valid_not_before":   at, "client_cert_valid_not_after": at,
		"client_cert_issuer_dn": quoted(pair.Leaf.RawIssuer), "client_cert_subject_dn": quoted(pair.Leaf.RawSubject),
		"client_cert_leaf": ":" + quoted(pair.Leaf.Raw) + ":",
	}
}

// validated makes the rig ask for certificates of an authority.
func validated(t *testing.T, m *model, authority *lbv1.SslCertificate, mode lbv1.ClientValidation_Mode) {
	withTLS(t, m, "test.example")
	m.target.Tls.ServerNames[0].ClientValidation = &lbv1.ClientValidation{TrustConfigs: []string{"trust"}, Mode: mode}
	m.more = append(m.more, &lbv1.Resource{Name: "trust", Body: &lbv1.Resource_TrustConfig{
		TrustConfig: &lbv1.TrustConfig{CaPem: authority.CertificateChainPem},
	}})
	if block, _ := pem.Decode(authority.CertificateChainPem); block == nil {
		t.Fatal("no certificate")
	}
}

func askTLS(t *testing.T, r *rig, shown []tls.Certificate) *http.Response {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "test.example", Certificates: shown}, Protocols: &http.Protocols{}}
	tr.Protocols.SetHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	q, _ := http.NewRequest("GET", "https://"+r.addr+"/", nil)
	q.Header.Set("User-Agent", "x")
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// TestVariablesOfPeersSplitNothing: what a client says of itself cannot begin another header.
func TestVariablesOfPeersSplitNothing(t *testing.T) {
	r, seen := variableRig(t, true, func(m *model) { withTLS(t, m, "test.example") })
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "a\r\nx-evil: 1"}}
	t.Cleanup(tr.CloseIdleConnections)
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Get("https://" + r.addr + "/")
	if err != nil {
		return // refused in the handshake
	}
	_ = res.Body.Close()
	if h := <-seen; h.Get("x-evil") != "" || strings.Contains(h.Get("x-v-tls-sni-hostname"), "\n") {
		t.Errorf("the backend saw %q", h)
	}
}

func TestUnknownVariableIsRefused(t *testing.T) {
	r := newRig(t, []string{"127.0.0.1:1"}, nil)
	m := newModel([]string{"127.0.0.1:1"})
	m.route.RequestHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "a", Value: "{client_regoin}"}}}
	if err := r.Replace(m.model()); err == nil || !strings.Contains(err.Error(), "there is no variable {client_regoin}") {
		t.Errorf("got %v", err)
	}
}

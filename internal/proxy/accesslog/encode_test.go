package accesslog

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func sample() *Record {
	return &Record{
		Start:            time.Date(2026, 11, 21, 10, 0, 0, 250_000_000, time.UTC),
		Latency:          123456 * time.Microsecond,
		BackendLatency:   120 * time.Millisecond,
		FirstByteLatency: 118 * time.Millisecond,
		Method:           []byte("GET"), Scheme: "https", Authority: []byte("Store.example.COM"),
		Path: []byte(`/de?q="x"`), UserAgent: []byte("curl/8"), Referer: []byte("https://a.example/\x01"),
		Protocol: "HTTP/2", RequestBytes: 120, ResponseBytes: 4096, Status: 200,
		Client:   netip.MustParseAddrPort("203.0.113.7:5555"),
		Endpoint: netip.MustParseAddrPort("[::ffff:10.0.0.3]:8080"),
		Details:  ResponseSentByBackend, Attempts: 2,
		ForwardingRule: "fr", TargetProxy: "tp", URLMap: "um", BackendService: "bs",
		BackendTarget: "store/store-v1:8080", Group: "neg-a", Zone: "us-west1-a", Region: "us-west1",
		Route: "store/store", Rule: "1", TLSProtocol: "TLSv1.3", TLSCipher: "TLS_AES_128_GCM_SHA256",
		ServerName: "store.example.com", Trace: []byte("0af7651916cd43dd8448eb211c80319c"),
		Span: []byte("b7ad6b7169203331"), Sampled: true, GRPCStatus: NoGRPC,
	}
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	if line[len(line)-1] != '\n' {
		t.Error("the line does not end")
	}
	var out map[string]any
	if err := json.Unmarshal(line, &out); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return out
}

const wantEntry = `{
 "httpRequest": {"requestMethod": "GET", "requestUrl": "https://store.example.com/de?q=\"x\"", "requestSize": "120",
  "status": 200, "responseSize": "4096", "userAgent": "curl/8", "remoteIp": "203.0.113.7", "serverIp": "10.0.0.3",
  "referer": "https://a.example/\u0001", "latency": "0.123456s", "protocol": "HTTP/2"},
 "jsonPayload": {"@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",
  "statusDetails": "response_sent_by_backend", "backendTargetProjectNumber": "projects/42", "remoteIp": "203.0.113.7",
  "backendTarget": "store/store-v1:8080", "backendGroup": "neg-a", "backendLatency": "0.120000s",
  "backendFirstByteLatency": "0.118000s", "proxyLatency": "0.003456s", "route": "store/store", "rule": "1",
  "attempts": 2, "tls": {"protocol": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "sni": "store.example.com"}},
 "resource": {"type": "http_load_balancer", "labels": {"project_id": "acme", "forwarding_rule_name": "fr",
  "target_proxy_name": "tp", "url_map_name": "um", "backend_service_name": "bs", "backend_zone": "us-west1-a",
  "region": "us-west1"}},
 "severity": "INFO", "timestamp": "2026-11-21T10:00:00.373456Z", "logName": "projects/acme/logs/requests",
 "trace": "projects/acme/traces/0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "traceSampled": true
}`

func TestEntry(t *testing.T) {
	got := decode(t, appendEntry(nil, LogEverything(), sample(), "acme", "42"))
	want := decode(t, []byte(wantEntry+"\n"))
	a, _ := json.MarshalIndent(got, "", " ")
	b, _ := json.MarshalIndent(want, "", " ")
	if string(a) != string(b) {
		t.Errorf("got %s\nwant %s", a, b)
	}
}

func TestOptionalFieldsAreLeftOut(t *testing.T) {
	p := CompilePolicy(&lbv1.Logging{Enabled: true, SampleRate: 1})
	payload := decode(t, appendEntry(nil, p, sample(), "acme", "42"))["jsonPayload"].(map[string]any)
	for _, name := range []string{"tls", "backendLatency", "route", "attempts", "proxyStatus"} {
		if _, ok := payload[name]; ok {
			t.Errorf("%s is there", name)
		}
	}
	p = CompilePolicy(&lbv1.Logging{Enabled: true, SampleRate: 1, OptionalFields: []string{"tls.cipher", "unknown.field"}})
	payload = decode(t, appendEntry(nil, p, sample(), "acme", "42"))["jsonPayload"].(map[string]any)
	if _, ok := payload["tls"]; !ok {
		t.Error("tls is not there")
	}
}

func TestRefusedRequestHasAReason(t *testing.T) {
	r := &Record{Status: 400, Details: ConflictingFraming, GRPCStatus: 14, Start: time.Unix(0, 0)}
	got := decode(t, appendEntry(nil, LogEverything(), r, "0", "0"))
	payload := got["jsonPayload"].(map[string]any)
	want := `error="http_request_error"; details="conflicting_framing_headers"`
	if payload["proxyStatus"] != want || payload["statusDetails"] != string(ConflictingFraming) {
		t.Errorf("got %v", payload)
	}
	if got["severity"] != "WARNING" || payload["grpcStatus"] != 14.0 {
		t.Errorf("got %v", got)
	}
	if _, ok := payload["backendLatency"]; ok {
		t.Error("a request that reached no backend has a backend latency")
	}
}

func TestTextIsAlwaysJSON(t *testing.T) {
	for _, s := range []string{"", "plain", `"\`, "\n\r\t\x00\x1f\x7f", "é", "\xff", "a\xc3", "\xe2\x82", "\xf0\x9f\x98\x80", "\xed\xa0\x80"} {
		var got string
		line := append(appendText([]byte{'"'}, s), '"')
		if err := json.Unmarshal(line, &got); err != nil {
			t.Errorf("%q: %v in %s", s, err, line)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && got != want {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("a\"\xff\n"))
	f.Fuzz(func(t *testing.T, s []byte) {
		var got string
		if err := json.Unmarshal(append(appendText([]byte{'"'}, s), '"'), &got); err != nil {
			t.Fatal(err)
		}
		if utf8.Valid(s) && got != string(s) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func TestEncodingAllocatesNothing(t *testing.T) {
	r, buffer := sample(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buffer = appendEntry(buffer[:0], LogEverything(), r, "acme", "42") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEntry(b *testing.B) {
	r, buffer := sample(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buffer = appendEntry(buffer[:0], LogEverything(), r, "acme", "42")
	}
}

func TestReasonOfARefusal(t *testing.T) {
	r := Record{Details: HTTP2Flood, Reason: "rapid_reset", GRPCStatus: NoGRPC}
	payload := decode(t, appendEntry(nil, LogEverything(), &r, "p", "0"))["jsonPayload"].(map[string]any)
	if payload["statusDetails"] != "http2_flood" || payload["reason"] != "rapid_reset" {
		t.Errorf("%v", payload)
	}
}

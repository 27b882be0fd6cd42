package grpchealth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestCheckAndAnswer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != Path {
			http.NotFound(w, r)
			return
		}
		Answer(w, r, func(service string) (serving, known bool) { return service != "sick", service != "unknown" })
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	at, err := url.Parse(server.URL + "/anything?x")
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]string{
		"": "gRPC SERVING", "app": "gRPC SERVING", "sick": "error: gRPC NOT_SERVING", "unknown": "error: gRPC status 5",
	} {
		got, err := Check(t.Context(), transport, Question{URL: at, Service: service})
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", service, got, want)
		}
	}
}

func TestJunkIsAnError(t *testing.T) {
	for _, junk := range []string{"", "\x00\x00\x00\x00", "\x01\x00\x00\x00\x00", "\x00\x00\x00\x00\x02\x08", "\x00\x00\x00\x00\x01\xff", "\x00\x00\x00\x00\x02\x0a\x05"} {
		if _, err := serving([]byte(junk)); err == nil {
			t.Errorf("%q counts as serving", junk)
		}
		if name, err := asked([]byte(junk)); err == nil && name != "" {
			t.Errorf("%q asks for %q", junk, name)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02\x08\x01"))
	f.Add([]byte("\x00\x00\x00\x00\x03\x0a\x01a"))
	f.Fuzz(func(_ *testing.T, body []byte) {
		_, _ = serving(body)
		_, _ = asked(body)
	})
}

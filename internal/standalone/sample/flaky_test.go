package sample

import (
	"net/http"
	"strings"
	"testing"
)

func TestEchoBasicFailsAtFirst(t *testing.T) {
	server, b := start(t, "registry.k8s.io/gateway-api/echo-basic:v1.5.1", nil)
	if len(b.Ports) != 2 || b.Ports[1] != 3001 {
		t.Errorf("ports %v, want 3000 and 3001", b.Ports)
	}
	url := server.URL + "/retry/x?succeedAfter=1&uuid=a"
	if resp, err := http.Get(url); err == nil {
		resp.Body.Close()
		t.Errorf("the first attempt gets %s, want a connection that breaks", resp.Status)
	}
	if status, body, _ := get(t, url); status != http.StatusOK || !strings.Contains(body, "/retry/x") {
		t.Errorf("the second attempt gets %d %s", status, body)
	}
	if status, _, _ := get(t, server.URL+"/retry/x?succeedAfter=1&uuid=b&responseCode=503"); status != http.StatusServiceUnavailable {
		t.Errorf("responseCode gives %d", status)
	}
	if status, _, _ := get(t, server.URL+"/retry/x?succeedAfter=many&uuid=c"); status != http.StatusBadRequest {
		t.Errorf("bad succeedAfter gives %d", status)
	}
}

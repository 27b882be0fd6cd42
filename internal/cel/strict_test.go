package cel

import "testing"

// TestStrict has the table of what GKE's CRD admits and refuses.
func TestStrict(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`request.path.contains("serviceextensions")`, ``},
		{`request.path == "/v1/chat/completions"`, ``},
		{`request.path.startsWith("/")`, ``},
		{`1 == 1`, ``},
		{`request.headers['x-a'] == 'b'`, ``},
		{`int(request.headers["a"]) >= 5`, ``},
		{`response.code == 200`, ``},
		{`request.host.lowerAscii() == "a"`, ``},
		{`source.address == "1.2.3.4"`, ``},
		{`request.host == R"a.b"`, ``},
		{`request.path == “a”`, ``}, // the CRD lets them through, Compile does not
		{`true`, `1:1: GKE's CRD refuses "true": write 1 == 1`},
		{`request.host.lower() == "a"`, `1:14: GKE's CRD refuses "lower": write lowerAscii()`},
		{`source.ip == "1.2.3.4"`, `1:1: GKE's CRD refuses "source.ip": write source.address`},
		{`connection.sni == "a"`, `1:1: GKE's CRD refuses "connection.sni": write connection.requested_server_name`},
		{`request.backend_service_name == "a"`, `1:1: GKE's CRD refuses "request.backend_service_name": write backendRefs beside the celMatcher`},
		{`request.headers['x-a'] == 'b c'`, `1:27: GKE's CRD refuses this text: no spaces, and none of ? @ # ^ | < > [ ] { } may be in quotes`},
		{`request.path == "/?a=b"`, `1:17: GKE's CRD refuses this text: no spaces, and none of ? @ # ^ | < > [ ] { } may be in quotes`},
		{`request.path == "/a@b"`, `1:17: GKE's CRD refuses this text: no spaces, and none of ? @ # ^ | < > [ ] { } may be in quotes`},
		{`request.path.matches("^/foo")`, `1:22: GKE's CRD refuses this text: no spaces, and none of ? @ # ^ | < > [ ] { } may be in quotes`},
		{`request.path.matches("/a[0-9]+")`, `1:22: GKE's CRD refuses this text: no spaces, and none of ? @ # ^ | < > [ ] { } may be in quotes`},
		{`has(request.headers)`, `1:1: GKE's CRD refuses "has": write request.headers['name'].startsWith('')`},
		{`size(request.path) > 1`, `1:1: GKE's CRD refuses "size"`},
		{`'x' in request.headers`, `1:5: GKE's CRD refuses "in"`},
		{`request.url_path == "a"`, `1:1: GKE's CRD refuses "request.url_path": write request.path`},
		{"1 == 1 &&\n1 == 1", `1:10: GKE's CRD refuses "\n": write the condition in one line`},
	}
	for _, tt := range tests {
		got := ""
		if err := CheckStrict(tt.expr); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.expr, got, tt.want)
		}
	}
}

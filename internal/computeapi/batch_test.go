package computeapi_test

import (
	"bufio"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/computeapi"
)

// batchOf is a batch as gcloud's library (apitools) writes it.
func batchOf(requests ...string) string {
	var out strings.Builder
	for i, r := range requests {
		fmt.Fprintf(&out, "--===b==\r\nContent-Type: application/http\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <8b2c+%d>\r\n\r\n%s\r\n", i, r)
	}
	return out.String() + "--===b==--"
}

func send(t *testing.T, url, kind, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/batch/compute/v1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func TestBatch(t *testing.T) {
	url, gone := start(t, model(3), computeapi.Writes)
	const p = "/compute/v1/projects/p/"
	health := `{"group": "zones/us-west1-a/networkEndpointGroups/neg"}`
	answer := send(t, url, `multipart/mixed; boundary="===b=="`, batchOf(
		"GET "+p+"global/urlMaps/map?fields=name&alt=json HTTP/1.1\r\naccept: application/json\r\naccept-encoding: identity\r\ncontent-length: 0\r\nHost: compute.googleapis.com\r\n",
		"GET "+p+"global/urlMaps/nothing HTTP/1.1\r\n",
		fmt.Sprintf("POST %sglobal/backendServices/bs-0/getHealth?fields=healthStatus/port HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", p, len(health), health),
		"DELETE "+p+"zones/us-west1-b/networkEndpointGroups/idle?fields=status",
	))
	kind, options, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || answer.StatusCode != http.StatusOK || kind != "multipart/mixed" {
		t.Fatalf("%s, %s, %v", answer.Status, kind, err)
	}
	parts := multipart.NewReader(answer.Body, options["boundary"])
	for i, want := range []struct {
		code int
		body string
	}{
		{200, `{"name":"map"}`},
		{404, `'projects/p/global/urlMaps/nothing' was not found`},
		{200, `{"healthStatus":[{"port":8080},{"port":8080},{"port":8080}]}`},
		{200, `{"status":"DONE"}`},
	} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if id := part.Header.Get("Content-Id"); id != fmt.Sprintf("<response-8b2c+%d>", i) || part.Header.Get("Content-Type") != "application/http" {
			t.Errorf("part %d: %v", i, part.Header)
		}
		one, err := http.ReadResponse(bufio.NewReader(part), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(one.Body)
		_ = one.Body.Close()
		if err != nil || one.StatusCode != want.code || !strings.Contains(string(body), want.body) {
			t.Errorf("part %d: %s, %v\n%s", i, one.Status, err, body)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
	if len(gone.names) != 1 {
		t.Errorf("deleted %v", gone.names)
	}
}

func TestBadBatches(t *testing.T) {
	url, gone := start(t, model(0), computeapi.Writes)
	const mixed = `multipart/mixed; boundary="===b=="`
	deletion := "DELETE /compute/v1/projects/p/zones/us-west1-b/networkEndpointGroups/idle HTTP/1.1\r\n"
	for name, bad := range map[string]struct{ kind, body, says string }{
		"no batch":      {"application/json", "{}", "multipart/mixed"},
		"no boundary":   {"multipart/mixed", batchOf(deletion), "boundary"},
		"nothing":       {mixed, "", "no parts"},
		"no end":        {mixed, strings.TrimSuffix(batchOf(deletion), "--===b==--"), "EOF"},
		"another type":  {mixed, strings.ReplaceAll(batchOf(deletion), "application/http", "text/plain"), "application/http"},
		"no request":    {mixed, batchOf("nonsense\r\n"), "METHOD PATH"},
		"no path":       {mixed, batchOf("GET http://[::1 HTTP/1.1\r\n"), "part 0"},
		"in itself":     {mixed, batchOf("POST /batch/compute/v1 HTTP/1.1\r\n"), "a batch itself"},
		"bad after one": {mixed, batchOf(deletion, "nonsense\r\n"), "part 1"},
		"a thousand":    {mixed, batchOf(strings.Split(strings.Repeat("GET / HTTP/1.1\r\n|", 1001), "|")[:1001]...), "more than 1000 parts"},
	} {
		answer := send(t, url, bad.kind, bad.body)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), bad.says) {
			t.Errorf("%s: %s, %v\n%s", name, answer.Status, err, body)
		}
	}
	if len(gone.names) != 0 {
		t.Error("deleted by a batch that is none")
	}
}

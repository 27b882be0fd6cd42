package proxy_test

import "testing"

// TestAnswersThatAreNone: what turns out to be no answer before a byte of it has gone to an HTTP/1 client is answered for by the
// proxy. A connection that ends without an answer looks to its client as if it had been idle for too long, and the client asks
// again.
func TestAnswersThatAreNone(t *testing.T) {
	for name, said := range map[string]string{
		"chunk size": "Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
		"chunk end":  "Transfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n",
		"trailers":   "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nno colon\r\n\r\n",
	} {
		for _, kind := range []string{"1.0", "1.1", "TLS"} {
			t.Run(name+" to "+kind, func(t *testing.T) {
				h := &hostile{}
				r := newRig(t, []string{rawBackend(t, h.serve)}, func(m *model) {
					if kind == "TLS" {
						withTLS(t, m, "test.example")
					}
				})
				client := callers[kind](t, r.addr)
				h.play(&script{
					segments: func(uint32) [][]byte { return [][]byte{[]byte("HTTP/1.1 200 OK\r\n" + said)} },
					ending:   endHalf, over: make(chan struct{}), answered: make(chan struct{}),
				})
				got, err := client.call("GET", hostilePath, "", "", nil)
				if err != nil || got.status != 502 || got.cut != nil {
					t.Errorf("%v, %d %v", err, got.status, got.cut)
				}
				got, err = client.call("GET", "/next", "", "", nil)
				if err != nil || got.body != "GET /next " {
					t.Errorf("next: %v, %d %q", err, got.status, got.body)
				}
			})
		}
	}
}

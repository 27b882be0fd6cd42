package http1

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestWhatIsReadOfAnswersOnly: RFC 9112 has recipients take out of an answer what they refuse in a request.
func TestWhatIsReadOfAnswersOnly(t *testing.T) {
	for fields, want := range map[string]bool{
		"X : y\r\n": true, "X \t: y\r\n": true, "Expect: rabbits\r\n": true,
		"X y: z\r\n": false, " : y\r\n": false, "Content-Length : 1\r\n": false, "Transfer-Encoding : chunked\r\n": false,
	} {
		var res message.Response
		_, bad := ParseResponse([]byte("HTTP/1.1 200 OK\r\n"+fields+"\r\n"), 0, &testLimits, Asked{}, &res)
		if (bad == nil) != want {
			t.Errorf("%q in an answer: %v", fields, bad)
		}
		if bad == nil && string(res.Header.At(0).Name) != "x" && string(res.Header.At(0).Name) != "expect" {
			t.Errorf("%q is called %q", fields, res.Header.At(0).Name)
		}
		var req message.Request
		if _, bad := ParseRequest([]byte("GET / HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n"), 0, &testLimits, &req); bad == nil {
			t.Errorf("%q is taken in a request", fields)
		}
	}
	for wire, want := range map[string]string{
		"2 \r\nok\r\n0\r\n\r\n": "ok", "2 ; x\r\nok\r\n0\r\n\r\n": "ok", "2\r\nok\r\n0\r\nHost: b\r\n\r\n": "ok",
	} {
		for _, answer := range []bool{true, false} {
			var b Body
			b.ResetChunked(&feed{buf: []byte(wire)}, &testLimits, nil)
			if answer {
				b.OfAnswer()
			}
			got, err := readAll(&b)
			b.Close()
			if answer && (got != want || err != nil) || !answer && err == nil {
				t.Errorf("%q, answer %v: %q %v", wire, answer, got, err)
			}
		}
	}
}

package proxy_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestIdleAfterAnUpload: the time for being idle holds behind a request whose body came later than its head, too.
func TestIdleAfterAnUpload(t *testing.T) {
	came := make(chan struct{})
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 5))
		close(came)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.target.Limits = &lbv1.HttpLimits{IdleTimeout: durationpb.New(200 * time.Millisecond)}
	})
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	<-came
	c.say("0\r\n\r\n")
	if res, _ := c.answer(t, http.MethodPost); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	c.ended(t)
}

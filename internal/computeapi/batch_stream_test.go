package computeapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestBatchIsAnsweredAsItGoes: no answer waits in memory for those behind it, and none is made for a client that has gone.
func TestBatchIsAnsweredAsItGoes(t *testing.T) {
	const one = "--x\r\nContent-Type: application/http\r\n\r\nGET /a\r\n\r\n"
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/batch/compute/v1", strings.NewReader(strings.Repeat(one, 4)+"--x--\r\n"))
	r.Header.Set("Content-Type", "multipart/mixed; boundary=x")
	w := httptest.NewRecorder()
	var before []int
	f := New(nil, nil, time.Now)
	f.batch(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		before = append(before, w.Body.Len())
		if len(before) == 3 {
			cancel()
		}
	}))(w, r)
	if len(before) != 3 {
		t.Fatalf("%d requests of a client that went at the third", len(before))
	}
	if before[0] != 0 || before[1] == 0 || before[2] <= before[1] {
		t.Errorf("bytes answered before each request: %v", before)
	}
}

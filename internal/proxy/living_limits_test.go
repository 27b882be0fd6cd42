package proxy_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestNewLimitsReachLivingConnections over HTTP/2: those of bodies, of heads, and of time.
func TestNewLimitsReachLivingConnections(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, echo)}, nil)
	cc := http2Client(t, r)
	status := func(body, head int) int {
		t.Helper()
		q := getRequest("/")
		q.Method, q.ContentLength = []byte("POST"), message.UnknownLength
		q.Header.Add([]byte("x-long"), []byte(strings.Repeat("a", head)))
		cs, err := cc.Open(q, false)
		if err != nil {
			t.Fatal(err)
		}
		defer cs.Close()
		_ = cs.WriteData(make([]byte, body), true)
		var res message.Response
		if err := cs.ReadHead(&res, nil); err != nil {
			t.Fatal(err)
		}
		return res.Status
	}
	limits := func(l *lbv1.HttpLimits) {
		t.Helper()
		next := proto.Clone(r.model).(*lbv1.Model)
		for _, res := range next.Resources {
			if p := res.GetTargetProxy(); p != nil {
				p.Limits = l
			}
		}
		next.Seq++
		r.model = next
		if err := r.Replace(next); err != nil {
			t.Fatal(err)
		}
	}
	if got := status(200, 3000); got != 200 {
		t.Errorf("without limits: %d", got)
	}
	limits(&lbv1.HttpLimits{MaxBodyBytes: 100, MaxHeaderBytes: 2048})
	if got := status(200, 10); got != 413 {
		t.Errorf("a long body: %d", got)
	}
	if got := status(10, 3000); got != 431 {
		t.Errorf("a long head: %d", got)
	}
	limits(&lbv1.HttpLimits{MaxHeaderBytes: 8192})
	if got := status(200, 3000); got != 200 {
		t.Errorf("with wider limits: %d", got)
	}
	limits(&lbv1.HttpLimits{IdleTimeout: durationpb.New(200 * time.Millisecond)})
	select {
	case <-cc.Done():
	case <-time.After(patience):
		t.Error("an idle connection lives on")
	}
}

package balance

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func outlierWorld(t *testing.T, n int, o *lbv1.OutlierDetection) *world {
	w := newWorld(t).group("a", "r", n)
	w.spec.OutlierDetection = o
	w.build()
	w.health(0, n)
	w.service.Shares(0) // counts the endpoints, as any request does
	return w
}

func (w *world) fail(i, times int, o Outcome, now time.Duration) *Endpoint {
	e := w.service.Endpoints()[i].Endpoint
	for range times {
		e.Observe(o, now)
	}
	return e
}

func (w *world) picks(e *Endpoint, now time.Duration) bool {
	in := input()
	in.Now = now
	for range 100 {
		if got, _ := w.service.Pick(in); got == e {
			return true
		}
	}
	return false
}

func TestEjectionAndReturn(t *testing.T) {
	w := outlierWorld(t, 4, &lbv1.OutlierDetection{ConsecutiveErrors: 3, BaseEjectionTime: durationpb.New(10 * time.Second)})
	e := w.fail(0, 2, ServerError, time.Second)
	e.Observe(Success, time.Second)
	w.fail(0, 2, ServerError, time.Second)
	if !w.picks(e, time.Second) {
		t.Fatal("ejected though the errors were not in a row")
	}
	w.fail(0, 1, ServerError, time.Second)
	if w.picks(e, 2*time.Second) {
		t.Fatal("not ejected after three errors in a row")
	}
	if !w.picks(e, 11*time.Second) {
		t.Fatal("still out after the ejection time")
	}
	w.fail(0, 3, ServerError, 12*time.Second)
	if w.picks(e, 30*time.Second) || !w.picks(e, 33*time.Second) {
		t.Error("the second ejection in a row does not last twice as long")
	}
}

func TestEjectionLimit(t *testing.T) {
	w := outlierWorld(t, 4, &lbv1.OutlierDetection{ConsecutiveErrors: 1})
	for i := range 4 {
		w.fail(i, 1, ServerError, time.Second)
	}
	out := 0
	for _, e := range w.service.Endpoints() {
		if e.Endpoint.Ejected(2 * time.Second) {
			out++
		}
	}
	if out != 2 {
		t.Errorf("%d of 4 are out, want half", out)
	}
}

func TestTheLastEndpointIsNeverEjected(t *testing.T) {
	w := outlierWorld(t, 1, &lbv1.OutlierDetection{ConsecutiveErrors: 1, MaxEjectionPercent: 100})
	if e := w.fail(0, 5, ConnectFailure, time.Second); !w.picks(e, time.Second) {
		t.Error("ejected")
	}
}

// Without outlier_detection answers of 500 do not count, connections that cannot be made do.
func TestDefaultCountsConnectFailuresOnly(t *testing.T) {
	w := outlierWorld(t, 4, nil)
	w.fail(0, 2, Success, time.Second)
	if e := w.fail(0, 50, ServerError, time.Second); !w.picks(e, time.Second) {
		t.Error("ejected for answers of 500")
	}
	if e := w.fail(0, 5, ConnectFailure, time.Second); w.picks(e, time.Second) {
		t.Error("not ejected for connect failures")
	}
}

// A health check that has seen the endpoint fail and come back knows better than the errors of before.
func TestRecoveryEndsAnEjection(t *testing.T) {
	w := outlierWorld(t, 4, nil)
	e := w.fail(0, 5, ConnectFailure, time.Second)
	if w.picks(e, time.Second) {
		t.Fatal("not ejected")
	}
	w.check.Set(e.Addr, lbv1.HealthState_HEALTHY) // nothing new
	if w.picks(e, 2*time.Second) {
		t.Fatal("back without having been seen to recover")
	}
	w.check.Set(e.Addr, lbv1.HealthState_UNHEALTHY)
	w.check.Set(e.Addr, lbv1.HealthState_HEALTHY)
	if !w.picks(e, 3*time.Second) {
		t.Error("still out after a recovery")
	}
}

// Health checks and ejections together never leave a service without an endpoint.
func TestEjectionsLeaveOneThatTheProberFindsHealthy(t *testing.T) {
	w := outlierWorld(t, 4, &lbv1.OutlierDetection{ConsecutiveErrors: 1, MaxEjectionPercent: 100})
	w.health(0, 2)
	w.service.Shares(0)
	e := w.service.Endpoints()[0].Endpoint
	if got := e.Observe(ServerError, time.Second); got != Ejected {
		t.Fatalf("the first: %v", got)
	}
	last := w.service.Endpoints()[1].Endpoint
	if got := last.Observe(ServerError, time.Second); got != EjectionRefused {
		t.Errorf("the last healthy one: %v", got)
	}
	if n := w.service.EjectedEndpoints(time.Second); n != 1 {
		t.Errorf("%d are out", n)
	}
	if n := w.service.EjectedEndpoints(time.Hour); n != 0 {
		t.Errorf("an hour later %d are out", n)
	}
}

// Endpoints that were replaced do not count as ejected: a rollout must not use up what may be taken out.
func TestRetiredEndpointsAreNotEjected(t *testing.T) {
	w := outlierWorld(t, 2, &lbv1.OutlierDetection{ConsecutiveErrors: 1})
	w.fail(0, 1, ServerError, time.Second)
	w.groups[0] = &Group{Name: "a", Region: "r", Zone: "r-a", Shards: []*Shard{{Endpoints: []Address{{Addr: at(7, 1)}, {Addr: at(7, 2)}}}}}
	w.build()
	w.check.Set(at(7, 1), lbv1.HealthState_HEALTHY)
	w.check.Set(at(7, 2), lbv1.HealthState_HEALTHY)
	w.service.Shares(0)
	if n := w.service.EjectedEndpoints(2 * time.Second); n != 0 {
		t.Errorf("%d of the new endpoints are out", n)
	}
	if got := w.service.Endpoints()[0].Endpoint.Observe(ServerError, 2*time.Second); got != Ejected {
		t.Errorf("a new one that fails: %v", got)
	}
}

package balance

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func persistence(t *testing.T, p *lbv1.SessionPersistence) *Persistence {
	t.Helper()
	out, err := CompilePersistence(p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// begin starts a session and returns the endpoint and the cookie that a client sends back.
func begin(t *testing.T, s *Service, p *Persistence, wall int64) (*Endpoint, string) {
	t.Helper()
	in := input()
	in.Persistence, in.Wall = p, wall
	e, err := s.Pick(in)
	if err != nil {
		t.Fatal(err)
	}
	pair, _, _ := strings.Cut(string(in.SetValue), ";")
	return e, pair
}

func goOn(s *Service, p *Persistence, name, value string, wall int64) (*Endpoint, string) {
	in := input([2]string{name, value})
	in.Persistence, in.Wall = p, wall
	e, _ := s.Pick(in)
	return e, string(in.SetValue)
}

func TestCookiePersistence(t *testing.T) {
	w := healthyWorld(t, 10, lbv1.LocalityPolicy_ROUND_ROBIN)
	p := persistence(t, &lbv1.SessionPersistence{Name: "session", AbsoluteTimeout: durationpb.New(time.Hour)})
	first, pair := begin(t, w.service, p, 1000)
	for range 20 {
		if e, set := goOn(w.service, p, "cookie", "a=b; "+pair, 1500); e != first || set != "" {
			t.Fatalf("%s instead of %s, sets %q", e.Address, first.Address, set)
		}
	}
	// The end of the session.
	if _, set := goOn(w.service, p, "cookie", pair, 1000+3600); !strings.Contains(set, "max-age=3600") {
		t.Errorf("after the absolute timeout: sets %q", set)
	}
	// An endpoint that went away: the session moves.
	w.check.Set(first.Addr, lbv1.HealthState_UNHEALTHY)
	if e, set := goOn(w.service, p, "cookie", pair, 1500); e == first || set == "" {
		t.Errorf("stays at %s, sets %q", e.Address, set)
	}
}

func TestIdleTimeoutMoves(t *testing.T) {
	w := healthyWorld(t, 10, lbv1.LocalityPolicy_ROUND_ROBIN)
	p := persistence(t, &lbv1.SessionPersistence{
		Name: "s", IdleTimeout: durationpb.New(time.Minute), AbsoluteTimeout: durationpb.New(90 * time.Second),
	})
	first, pair := begin(t, w.service, p, 1000)
	e, set := goOn(w.service, p, "cookie", pair, 1050)
	if e != first || !strings.Contains(set, "max-age=40") { // the absolute limit ends sooner
		t.Fatalf("%s, sets %q", e.Address, set)
	}
	moved, _, _ := strings.Cut(set, ";")
	if e, _ := goOn(w.service, p, "cookie", moved, 1085); e != first {
		t.Errorf("went to %s before the limits", e.Address)
	}
	if _, set := goOn(w.service, p, "cookie", moved, 1095); !strings.Contains(set, "max-age=60") {
		t.Errorf("after the absolute limit: sets %q", set)
	}
}

func TestHeaderPersistence(t *testing.T) {
	w := healthyWorld(t, 10, lbv1.LocalityPolicy_ROUND_ROBIN)
	p := persistence(t, &lbv1.SessionPersistence{Kind: lbv1.SessionPersistence_HEADER, Name: "X-Session"})
	in := input()
	in.Persistence = p
	first, err := w.service.Pick(in)
	if err != nil || string(in.SetName) != "x-session" {
		t.Fatalf("%v, sets %s: %s", err, in.SetName, in.SetValue)
	}
	for range 20 {
		if e, _ := goOn(w.service, p, "x-session", string(in.SetValue), 0); e != first {
			t.Fatalf("%s instead of %s", e.Address, first.Address)
		}
	}
	for _, junk := range []string{"", "x", "zz.1.1", "1.2", strings.Repeat("1", 99) + ".1.1", "1.1.1"} {
		if e, set := goOn(w.service, p, "x-session", junk, 0); e == nil || set == "" {
			t.Errorf("%q: %v, sets %q", junk, e, set)
		}
	}
}

func TestSessionCookieHasNoMaxAge(t *testing.T) {
	w := healthyWorld(t, 2, lbv1.LocalityPolicy_ROUND_ROBIN)
	p := persistence(t, &lbv1.SessionPersistence{Name: "s", SessionCookie: true, AbsoluteTimeout: durationpb.New(time.Hour)})
	in := input()
	in.Persistence = p
	if _, err := w.service.Pick(in); err != nil || strings.Contains(string(in.SetValue), "max-age") {
		t.Errorf("%v, %s", err, in.SetValue)
	}
}

func TestPersistenceRefuses(t *testing.T) {
	if _, err := CompilePersistence(&lbv1.SessionPersistence{Name: "a=b"}); err == nil {
		t.Error("accepted")
	}
}

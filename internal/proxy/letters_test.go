package proxy_test

import (
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestTheHostKeepsItsLetters: rules compare hosts without regard to case, and a host that nothing edits reaches the backend as
// the client wrote it, port included.
func TestTheHostKeepsItsLetters(t *testing.T) {
	for _, protocol := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_H2C} {
		for kind, newCaller := range callers {
			t.Run(kind+" to "+protocol.String(), func(t *testing.T) {
				st := newStage(t, protocol, func(a act) {
					a.head(200)
					a.data(a.authority())
					a.end()
				})
				r := newRig(t, []string{st.addr}, func(m *model) {
					m.service.Protocol = protocol
					m.route.Host = "test.example"
					if kind == "TLS" {
						withTLS(t, m, "test.example")
					}
				})
				got, err := newCaller(t, r.addr).call("GET", "/", "", "", nil)
				if err != nil || got.status != 200 || got.body != callerHost {
					t.Errorf("%v: %d, the backend got %q", err, got.status, got.body)
				}
				eventually(t, "one name in the log", func() bool { return strings.Contains(r.log.String(), "://test.example:8080/") })
			})
		}
	}
}

// TestAnAbsoluteTargetKeepsItsLetters: it replaces Host.
func TestAnAbsoluteTargetKeepsItsLetters(t *testing.T) {
	st := newStage(t, lbv1.BackendProtocol_HTTP, func(a act) {
		a.head(200)
		a.data(a.authority())
		a.end()
	})
	r := newRig(t, []string{st.addr}, func(m *model) { m.route.Host = "other.example" })
	c := r.dial()
	c.say("GET http://Other.Example:81/ HTTP/1.1\r\nHost: test.example\r\n\r\n")
	if _, got := c.answer(t, "GET"); got != "Other.Example:81" {
		t.Errorf("the backend got %q", got)
	}
}

// TestASetHostKeepsItsLetters: those of who has set it.
func TestASetHostKeepsItsLetters(t *testing.T) {
	st := newStage(t, lbv1.BackendProtocol_HTTP, func(a act) {
		a.head(200)
		a.data(a.authority())
		a.end()
	})
	r := newRig(t, []string{st.addr}, func(m *model) {
		m.route.RequestHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "Host", Value: "Set.Example"}}}
	})
	if _, got := r.get("/"); got != "Set.Example" {
		t.Errorf("the backend got %q", got)
	}
}

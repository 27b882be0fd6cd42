package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// from asks as a trusted proxy in front does for a client.
func (r *rig) from(client string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequest("GET", "http://"+r.addr+"/", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = "test.example"
	req.Header.Set("X-Forwarded-For", client)
	res, err := netClient(r.t, 1).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// TestAffinityIsToTheClientBehindTrustedHops and not to the proxy in front, whose address all clients share.
func TestAffinityIsToTheClientBehindTrustedHops(t *testing.T) {
	var backends []string
	for i := range 4 {
		backends = append(backends, httpBackend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Backend", fmt.Sprint(i))
		}))
	}
	for _, c := range []struct {
		hops   uint32
		spread bool
	}{{0, false}, {1, true}} {
		t.Run(fmt.Sprint(c.hops, " hops"), func(t *testing.T) {
			r := newRig(t, backends, func(m *model) {
				m.target.TrustedHops = c.hops
				m.service.SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_CLIENT_IP}
			})
			used := map[string]bool{}
			for i := range 16 {
				client := fmt.Sprintf("6.6.6.6, 10.0.0.%d", i)
				first := r.from(client).Header.Get("X-Backend")
				if again := r.from(client).Header.Get("X-Backend"); again != first {
					t.Errorf("%s: %s, then %s", client, first, again)
				}
				used[first] = true
			}
			if spread := len(used) > 1; spread != c.spread {
				t.Errorf("backends in use: %v", used)
			}
		})
	}
}

// TestMirrorsKnowTheClient: copies to a service with affinity are spread as its own requests are.
func TestMirrorsKnowTheClient(t *testing.T) {
	var mu sync.Mutex
	used := map[string]map[int]bool{}
	var mirrors []string
	for i := range 4 {
		mirrors = append(mirrors, httpBackend(t, func(_ http.ResponseWriter, q *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			client := q.Header.Get("X-Forwarded-For")
			if used[client] == nil {
				used[client] = map[int]bool{}
			}
			used[client][i] = true
		}))
	}
	backend := httpBackend(t, func(http.ResponseWriter, *http.Request) {})
	r := newRig(t, []string{backend}, func(m *model) {
		m.target.TrustedHops = 1
		m.addService("mirror", mirrors)
		m.more[0].GetBackendService().SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_CLIENT_IP}
		m.route.Mirrors = []*lbv1.Mirror{{BackendService: "mirror"}}
	})
	for i := range 16 {
		r.from(fmt.Sprintf("10.0.0.%d", i))
	}
	eventually(t, "every copy has come", func() bool { mu.Lock(); defer mu.Unlock(); return len(used) == 16 })
	all := map[int]bool{}
	for client, by := range used {
		if len(by) != 1 {
			t.Errorf("%s went to %v", client, by)
		}
		for i := range by {
			all[i] = true
		}
	}
	if len(all) < 2 {
		t.Errorf("all copies went to %v", all)
	}
}

// TestOneClientAddress is the same for filters and the log, whatever a filter does to the field that it came in.
func TestOneClientAddress(t *testing.T) {
	var mu sync.Mutex
	var saw []string
	note := one("note", filterFuncs{request: func(x extension.Exchange, q *extension.Request) error {
		mu.Lock()
		defer mu.Unlock()
		saw = append(saw, x.Client().Address.Addr().String())
		return q.Set("x-forwarded-for", []byte("6.6.6.6"))
	}})
	chains := &extension.Chains{
		Route:   []extension.Chain{{Name: "r", Extensions: []extension.Extension{note}}},
		Traffic: []extension.Chain{{Name: "t", Extensions: []extension.Extension{note}}},
	}
	backend := httpBackend(t, func(http.ResponseWriter, *http.Request) {})
	r := newFilterRig(t, []string{backend}, chains, func(m *model) { m.target.TrustedHops = 2 })
	for client, want := range map[string]string{
		"1.1.1.1, 2.2.2.2, 3.3.3.3": "2.2.2.2",
		"[2001:db8::1]:80, 3.3.3.3": "2001:db8::1",
		"::ffff:2.2.2.3, 3.3.3.3":   "2.2.2.3",
		"not an address, 3.3.3.3":   "127.0.0.1",
		"3.3.3.3":                   "127.0.0.1",
	} {
		mu.Lock()
		saw = nil
		mu.Unlock()
		before := len(r.log.String())
		r.from(client)
		eventually(t, "logged", func() bool { return strings.Contains(r.log.String()[before:], `"remoteIp":"`+want+`"`) })
		mu.Lock()
		if !slices.Equal(saw, []string{want, want}) {
			t.Errorf("%s: filters saw %v", client, saw)
		}
		mu.Unlock()
	}
}

// TestRulesMayEditForwardedFields: what a rule sets, adds or removes holds, as with every other field.
func TestRulesMayEditForwardedFields(t *testing.T) {
	for name, c := range map[string]struct {
		edit *lbv1.HeaderEdit
		want string
	}{
		"nothing": {nil, `["1.2.3.4,127.0.0.1,127.0.0.1"] ["http"] ["1.1 google"]`},
		"set": {
			&lbv1.HeaderEdit{Set: []*lbv1.Header{
				{Name: "x-forwarded-proto", Value: "https"}, {Name: "x-forwarded-for", Value: "9.9.9.9"}, {Name: "via", Value: "1.1 mine"},
			}},
			`["9.9.9.9"] ["https"] ["1.1 mine"]`,
		},
		"remove": {
			&lbv1.HeaderEdit{Remove: []string{"x-forwarded-proto", "x-forwarded-for", "via"}},
			`[] [] []`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan string, 1)
			backend := httpBackend(t, func(_ http.ResponseWriter, r *http.Request) {
				told <- fmt.Sprintf("%q %q %q", r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Proto"], r.Header["Via"])
			})
			r := newRig(t, []string{backend}, func(m *model) { m.route.RequestHeaders = c.edit })
			r.from("1.2.3.4")
			if got := <-told; got != c.want {
				t.Errorf("the backend got %s, want %s", got, c.want)
			}
		})
	}
}

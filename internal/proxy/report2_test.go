package proxy_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// frames is a client that writes HTTP/2 frames as it is told.
type frames struct {
	*http2.Framer
	block bytes.Buffer
	enc   *hpack.Encoder
}

func dialFrames(t *testing.T, r *rig) *frames {
	t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if _, err := nc.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	f := &frames{Framer: http2.NewFramer(nc, nc)}
	f.enc = hpack.NewEncoder(&f.block)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

// get writes a request with further fields, given as names and values. The proxy may have ended the connection.
func (f *frames) get(id uint32, fields ...string) {
	f.block.Reset()
	for all := append([]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"}, fields...); len(all) > 0; all = all[2:] {
		_ = f.enc.WriteField(hpack.HeaderField{Name: all[0], Value: all[1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: f.block.Bytes(), EndStream: true, EndHeaders: true})
}

// TestRefusedHTTP2IsLogged: what an HTTP/2 connection refuses by itself has a line with the reason, too.
func TestRefusedHTTP2IsLogged(t *testing.T) {
	for _, test := range []struct {
		reason, details, status string
		send                    func(f *frames)
	}{
		{"malformed_message", "http2_protocol_error", `"status":0`, func(f *frames) { f.get(1, "Upper", "case") }},
		{"header_list_size", "headers_too_long", `"status":431`, func(f *frames) { f.get(1, "x", strings.Repeat("a", 3000)) }},
		{"stream_id", "http2_protocol_error", `"status":0`, func(f *frames) { f.get(2) }},
		{"rapid_reset", "http2_flood", `"status":0`, func(f *frames) {
			for id := uint32(1); id < 1001; id += 2 {
				f.get(id)
				_ = f.WriteRSTStream(id, http2.ErrCodeCancel)
			}
		}},
		{"settings_flood", "http2_flood", `"status":0`, func(f *frames) {
			for range 200 {
				_ = f.WriteSettings()
			}
		}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			r := newRig(t, []string{httpBackend(t, echo)}, func(m *model) {
				m.target.Limits = &lbv1.HttpLimits{MaxHeaderBytes: 2000}
			})
			test.send(dialFrames(t, r))
			want := `"statusDetails":"` + test.details + `","reason":"` + test.reason + `"`
			eventually(t, want, func() bool {
				for line := range strings.Lines(r.log.String()) {
					if strings.Contains(line, want) {
						return strings.Contains(line, test.status) && strings.Contains(line, `"remoteIp":"127.0.0.1"`)
					}
				}
				return false
			})
			refused := r.Metrics().Refused.Counter(test.details).Load()
			floods := r.Metrics().Floods.Counter(test.reason).Load()
			limits := r.Metrics().Limits.Counter(test.details).Load()
			if refused != 1 || (floods == 1) != (test.details == "http2_flood") || (limits == 1) != (test.details == "headers_too_long") {
				t.Errorf("counted %d refusals, %d floods, %d limits", refused, floods, limits)
			}
		})
	}
}

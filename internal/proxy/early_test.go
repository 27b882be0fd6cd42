package proxy_test

import (
	"io"
	"testing"

	"golang.org/x/net/http2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestEarlyAnswersToWholeBodies: a backend may answer without ever opening its window for a body that is at hand, and may say or
// leave unsaid that it wants no more of it.
func TestEarlyAnswersToWholeBodies(t *testing.T) {
	for name, end := range map[string]func(f *http2.Framer, id uint32){
		"and no more":    func(f *http2.Framer, id uint32) { _ = f.WriteRSTStream(id, http2.ErrCodeNo) },
		"without a word": func(*http2.Framer, uint32) {},
	} {
		for kind, newCaller := range callers {
			if kind == "TLS" {
				continue
			}
			t.Run(name+" to "+kind, func(t *testing.T) {
				backend := rawBackend(t, func(c *rawConn) {
					if _, err := io.ReadFull(c.r, make([]byte, len(http2.ClientPreface))); err != nil {
						return
					}
					f := http2.NewFramer(c.Conn, c.r)
					_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
					for {
						frame, err := f.ReadFrame()
						if err != nil {
							return
						}
						id := frame.Header().StreamID
						switch frame := frame.(type) {
						case *http2.SettingsFrame:
							if !frame.IsAck() {
								_ = f.WriteSettingsAck()
							}
						case *http2.HeadersFrame:
							// The first has no body, and comes when the window may not have been shut.
							_ = f.WriteHeaders(http2.HeadersFrameParam{
								StreamID: id, BlockFragment: encoded([]string{":status", "413"}), EndHeaders: true, EndStream: true,
							})
							if !frame.StreamEnded() {
								end(f, id)
							}
						}
					}
				})
				r := newRig(t, []string{backend}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C })
				client := newCaller(t, r.addr)
				now := make(chan struct{})
				close(now)
				for _, method := range []string{"GET", "POST", "POST", "GET"} {
					more := (<-chan struct{})(now)
					if method == "GET" {
						more = nil
					}
					if got, err := client.call(method, "/", "first, ", "second", more); err != nil || got.status != 413 || got.cut != nil {
						t.Errorf("%s: %v, %d %v", method, err, got.status, got.cut)
					}
				}
			})
		}
	}
}

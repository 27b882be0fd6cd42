package proxytls

import (
	"crypto/tls"
	"testing"
)

// chrome is the ClientHello of Chrome 143 for Android, with some values to be ignored.
var chrome = &tls.ClientHelloInfo{
	SupportedVersions: []uint16{0xfafa, tls.VersionTLS13, tls.VersionTLS12},
	CipherSuites: []uint16{
		0x2a2a, 4865, 4866, 4867, 49195, 49199, 49196, 49200, 52393, 52392, 49171, 49172, 156, 157, 47, 53,
	},
	Extensions:      []uint16{0x3a3a, 45, 51, 16, 65037, 23, 17613, 0, 11, 10, 43, 65281, 35, 18, 5, 13, 27, 0x4a4a},
	SupportedCurves: []tls.CurveID{0x8a8a, 4588, 29, 23, 24},
	SupportedPoints: []uint8{0},
	SupportedProtos: []string{"h2", "http/1.1"},
	SignatureSchemes: []tls.SignatureScheme{
		0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
	},
}

func TestFingerprints(t *testing.T) {
	g := greetingOf(chrome)
	if got, want := g.ja3(), "98487aa16281980e7d1120d399efb6a4"; got != want {
		t.Errorf("JA3 %s, want %s", got, want)
	}
	if got, want := g.ja4(), "t13d1516h2_8daaf6152771_d8a2da3f94cd"; got != want {
		t.Errorf("JA4 %s, want %s", got, want)
	}
}

// TestFingerprintsAreMadeForThoseWhoAsk: handshakes make none. Those of a connection that is older than the question are right.
func TestFingerprintsAreMadeForThoseWhoAsk(t *testing.T) {
	var h Hello
	if n := testing.AllocsPerRun(10, func() { h.greeted(chrome, nil) }); n > 0 {
		t.Errorf("%v allocations in a handshake", n)
	}
	for range 2 {
		if h.JA3() != "98487aa16281980e7d1120d399efb6a4" || h.JA4() != "t13d1516h2_8daaf6152771_d8a2da3f94cd" {
			t.Errorf("%s, %s", h.JA3(), h.JA4())
		}
	}
}

func TestFingerprintOfLittle(t *testing.T) {
	old := greeting{versions: []uint16{tls.VersionTLS11, tls.VersionTLS10}}
	if got, want := old.ja4(), "t11i000000_000000000000_000000000000"; got != want {
		t.Errorf("JA4 %s, want %s", got, want)
	}
	for protocol, want := range map[string]string{"h2": "h2", "http/1.1": "h1", "\xab\xcd": "ad", "x": "xx", "": "00"} {
		if got := alpnEnds([]string{protocol}); got != want {
			t.Errorf("%q is %q, want %q", protocol, got, want)
		}
	}
}

func BenchmarkFingerprints(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		g := greetingOf(chrome)
		_, _ = g.ja3(), g.ja4()
	}
}

// TestGreetingsHoldNoHandshake: what is kept as long as a connection lives has none of the memory of the message, 1.5 KiB with the
// key shares of today.
func TestGreetingsHoldNoHandshake(t *testing.T) {
	points := []uint8{0}
	g := greetingOf(&tls.ClientHelloInfo{SupportedPoints: points})
	points[0] = 1
	if g.points[0] != 0 {
		t.Error("the point formats are those of the message")
	}
}

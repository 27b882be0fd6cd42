package proxytls

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"slices"
	"strconv"
)

// grease tells values that clients send to see whether servers ignore what they don't know (RFC 8701).
func grease[T ~uint16](v T) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// greeting is what fingerprints are made of: a ClientHello without what holds on to its connection.
type greeting struct {
	versions, ciphers, extensions []uint16
	groups                        []tls.CurveID
	points                        string // bytes
	signatures                    []tls.SignatureScheme
	protocols                     []string
}

func greetingOf(hello *tls.ClientHelloInfo) greeting {
	return greeting{
		hello.SupportedVersions, hello.CipherSuites, hello.Extensions, hello.SupportedCurves,
		string(hello.SupportedPoints), // a copy: they are part of the message as it came, key shares and all
		hello.SignatureSchemes, hello.SupportedProtos,
	}
}

// greatest is the highest version that a client offers.
func (g *greeting) greatest() (version uint16) {
	for _, v := range g.versions {
		if !grease(v) {
			version = max(version, v)
		}
	}
	return version
}

// ja3 is the fingerprint of a ClientHello that is called JA3: the MD5 of its version, cipher suites, extensions, groups and point
// formats, in the client's order.
func (g *greeting) ja3() string {
	// With the extension supported_versions the version field says 1.2 (RFC 8446 section 4.1.2).
	text := strconv.AppendUint(make([]byte, 0, 512), uint64(min(g.greatest(), tls.VersionTLS12)), 10)
	text = appendDecimal(append(text, ','), g.ciphers)
	text = appendDecimal(append(text, ','), g.extensions)
	text = appendDecimal(append(text, ','), g.groups)
	text = append(text, ',')
	for i := range len(g.points) {
		if i > 0 {
			text = append(text, '-')
		}
		text = strconv.AppendUint(text, uint64(g.points[i]), 10)
	}
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}

func appendDecimal[T ~uint16](dst []byte, list []T) []byte {
	start := len(dst)
	for _, v := range list {
		if grease(v) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '-')
		}
		dst = strconv.AppendUint(dst, uint64(v), 10)
	}
	return dst
}

const (
	extensionServerName = 0
	extensionALPN       = 16
)

// ja4 is the fingerprint that is called JA4: one that does not change with the order in which a client shuffles its extensions.
func (g *greeting) ja4() string {
	ciphers, extensions := sorted(g.ciphers), sorted(g.extensions)
	out := append(make([]byte, 0, len("t13d1516h2_8daaf6152771_e5627efa2ab1")), 't')
	switch v := g.greatest(); v {
	case tls.VersionTLS13, tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10:
		out = append(out, '1', byte('0'+v-tls.VersionTLS10))
	default:
		out = append(out, "00"...)
	}
	named := byte('i')
	if slices.Contains(extensions, extensionServerName) {
		named = 'd'
	}
	out = appendCount(appendCount(append(out, named), len(ciphers)), len(extensions))
	out = append(append(out, alpnEnds(g.protocols)...), '_')
	out = append(appendDigest(out, appendHex(nil, ciphers)), '_')
	rest := slices.DeleteFunc(extensions, func(v uint16) bool { return v == extensionServerName || v == extensionALPN })
	text := appendHex(nil, rest)
	if len(g.signatures) > 0 {
		text = appendHex(append(text, '_'), g.signatures)
	}
	return string(appendDigest(out, text))
}

// sorted is the list without what is there to be ignored.
func sorted(list []uint16) []uint16 {
	out := make([]uint16, 0, len(list))
	for _, v := range list {
		if !grease(v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func appendCount(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

func appendHex[T ~uint16](dst []byte, list []T) []byte {
	start := len(dst)
	for _, v := range list {
		if grease(v) {
			continue
		}
		if len(dst) > start && dst[len(dst)-1] != '_' {
			dst = append(dst, ',')
		}
		dst = hex.AppendEncode(dst, []byte{byte(v >> 8), byte(v)})
	}
	return dst
}

// appendDigest appends the first 12 digits of a SHA-256; zeros stand for nothing.
func appendDigest(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}

// alpnEnds are the first and last letter of the first protocol, or of its hex digits.
func alpnEnds(protocols []string) string {
	if len(protocols) == 0 || protocols[0] == "" {
		return "00"
	}
	p := protocols[0]
	first, last := p[0], p[len(p)-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		digits := hex.EncodeToString([]byte(p))
		first, last = digits[0], digits[len(digits)-1]
	}
	return string([]byte{first, last})
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

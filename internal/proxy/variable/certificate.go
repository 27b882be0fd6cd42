package variable

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Certificate is what a client showed of itself in a handshake. The zero value is a client that was not asked.
type Certificate struct {
	// Chain is as the client sent it, its own first.
	Chain []*x509.Certificate
	// Verified says that the chain leads to a trusted authority.
	Verified bool
	// Problem is why it does not, as client_cert_error tells it; "" where nothing is wrong.
	Problem string
}

// What client_cert_error says of a chain.
const (
	CertNotProvided      = "client_cert_not_provided"
	CertValidationFailed = "client_cert_validation_failed"
	CertInvalidEKU       = "client_cert_chain_invalid_eku"
	CertNotValidated     = "client_cert_validation_not_performed"
)

// Bounds of Google's load balancers, in bytes: a longer value is empty, and client_cert_error says so.
const (
	maxSerialNumber = 50
	maxSPIFFEID     = 2048
	maxListOrName   = 512
	maxCertificates = 16 << 10
)

// Append appends the value of a variable of client certificates.
func (c *Certificate) Append(dst []byte, id ID) []byte {
	switch id {
	case ClientCertPresent:
		return strconv.AppendBool(dst, len(c.Chain) > 0)
	case ClientCertChainVerified:
		return strconv.AppendBool(dst, c.Verified)
	case ClientCertError:
		return c.appendErrors(dst)
	}
	if len(c.Chain) == 0 {
		return dst
	}
	start := len(dst)
	dst = c.appendField(dst, id)
	if c.exceeds(id, len(dst)-start) {
		return dst[:start]
	}
	return dst
}

func (c *Certificate) appendField(dst []byte, id ID) []byte {
	leaf := c.Chain[0]
	switch id {
	case ClientCertSHA256Fingerprint:
		sum := sha256.Sum256(leaf.Raw)
		return base64.RawStdEncoding.AppendEncode(dst, sum[:])
	case ClientCertSerialNumber:
		return leaf.SerialNumber.Append(dst, 16)
	case ClientCertSPIFFEID:
		return append(dst, spiffeID(leaf)...)
	case ClientCertURISANs:
		return appendURIs(dst, leaf)
	case ClientCertDNSNameSANs:
		for i, name := range leaf.DNSNames {
			dst = appendElement(dst, i, name)
		}
	case ClientCertValidNotBefore:
		return appendTime(dst, leaf.NotBefore)
	case ClientCertValidNotAfter:
		return appendTime(dst, leaf.NotAfter)
	case ClientCertIssuerDN:
		return base64.StdEncoding.AppendEncode(dst, leaf.RawIssuer)
	case ClientCertSubjectDN:
		return base64.StdEncoding.AppendEncode(dst, leaf.RawSubject)
	case ClientCertLeaf:
		if c.Verified && len(leaf.Raw) <= maxCertificates {
			return appendByteSequence(dst, leaf.Raw)
		}
	case ClientCertChain:
		return c.appendChain(dst)
	}
	return dst
}

// appendChain appends what is behind the leaf, as RFC 9440 writes it.
func (c *Certificate) appendChain(dst []byte) []byte {
	if !c.Verified || c.size() > maxCertificates {
		return dst
	}
	for i, above := range c.Chain[1:] {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendByteSequence(dst, above.Raw)
	}
	return dst
}

func (c *Certificate) size() (n int) {
	for _, one := range c.Chain {
		n += len(one.Raw)
	}
	return n
}

// exceeds tells whether a value of n bytes is longer than its bound.
func (c *Certificate) exceeds(id ID, n int) bool {
	switch id {
	case ClientCertSerialNumber:
		return n > maxSerialNumber
	case ClientCertSPIFFEID:
		return n > maxSPIFFEID
	case ClientCertURISANs, ClientCertDNSNameSANs, ClientCertIssuerDN, ClientCertSubjectDN:
		return n > maxListOrName
	}
	return false
}

// appendErrors lists what is wrong with the chain, and which values are too long to be told.
func (c *Certificate) appendErrors(dst []byte) []byte {
	start := len(dst)
	add := func(text string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, text...)
	}
	if c.Problem != "" {
		add(c.Problem)
	}
	if len(c.Chain) == 0 {
		return dst
	}
	var value []byte
	for _, id := range []ID{
		ClientCertSerialNumber, ClientCertSPIFFEID, ClientCertURISANs, ClientCertDNSNameSANs, ClientCertIssuerDN, ClientCertSubjectDN,
	} {
		if value = c.appendField(value[:0], id); c.exceeds(id, len(value)) {
			add(id.String() + "_exceeded_size_limit")
		}
	}
	if c.Verified && len(c.Chain[0].Raw) > maxCertificates {
		add("client_cert_validated_leaf_exceeded_size_limit")
	}
	if c.Verified && c.size() > maxCertificates {
		add("client_cert_validated_chain_exceeded_size_limit")
	}
	return dst
}

// appendTime writes RFC 3339 with +00:00, as Google does.
func appendTime(dst []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(dst, "2006-01-02T15:04:05"), "+00:00"...)
}

// appendByteSequence writes bytes between colons (RFC 9440).
func appendByteSequence(dst, p []byte) []byte {
	dst = append(dst, ':')
	dst = base64.StdEncoding.AppendEncode(dst, p)
	return append(dst, ':')
}

func appendElement(dst []byte, i int, text string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return base64.StdEncoding.AppendEncode(dst, []byte(text))
}

// appendURIs lists the URIs other than SPIFFE IDs.
func appendURIs(dst []byte, leaf *x509.Certificate) []byte {
	n := 0
	for _, u := range leaf.URIs {
		if u.Scheme != spiffe {
			dst = appendElement(dst, n, u.String())
			n++
		}
	}
	return dst
}

const spiffe = "spiffe"

// spiffeID is the certificate's one SPIFFE ID. A certificate with several has none (SPIFFE's X.509-SVID, section 2).
func spiffeID(leaf *x509.Certificate) string {
	if len(leaf.URIs) != 1 {
		return ""
	}
	u := leaf.URIs[0]
	if u.Scheme != spiffe || u.Host == "" || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	text := u.String()
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return ""
	}
	return text
}

// Invalid is what client_cert_error says of a chain that does not lead to a trusted authority.
func Invalid(err error) string {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage {
		return CertInvalidEKU
	}
	return CertValidationFailed
}

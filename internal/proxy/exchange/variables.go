package exchange

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/variable"
)

// Expand fills a template in. What it returns is good until the end of the exchange.
func (x *Exchange) Expand(t *variable.Template) []byte {
	at := len(x.arena)
	x.arena = t.Append(x.arena, x)
	if isLong(x.arena[at:]) {
		x.arena = x.arena[:at]
	}
	return x.arena[at:len(x.arena):len(x.arena)]
}

// maxExpanded bounds a value that is filled in, in bytes; a longer one is empty. A template may repeat what a client sends.
const maxExpanded = 64 << 10

func isLong(expanded []byte) bool { return len(expanded) > maxExpanded }

// AppendVariable implements variable.Source. What is not known is empty.
func (x *Exchange) AppendVariable(dst []byte, id variable.ID) []byte {
	switch id {
	case variable.ClientIPAddress:
		return x.address.Addr().AppendTo(dst)
	case variable.ClientPort:
		return appendPort(dst, x.address.Port())
	case variable.ServerIPAddress:
		return x.client.Local.Addr().AppendTo(dst)
	case variable.ServerPort:
		return appendPort(dst, x.client.Local.Port())
	case variable.ClientEncrypted:
		return strconv.AppendBool(dst, x.client.Scheme == "https")
	case variable.ClientProtocol:
		return x.appendProtocol(dst)
	case variable.ClientRTTMsec:
		return x.appendRTT(dst)
	case variable.CDNCacheStatus:
		return x.appendCacheStatus(dst)
	case variable.OriginRequestHeader:
		return x.appendField(dst, header.Origin)
	case variable.DeviceRequestType:
		return append(dst, variable.Device(x.userAgent())...)
	case variable.UserAgentFamily:
		return append(dst, variable.Family(x.userAgent())...)
	case variable.ClientRegion, variable.ClientRegionSubdivision, variable.ClientCity, variable.ClientCityLatLong:
		return x.appendPlace(dst, id)
	}
	return x.appendSecured(dst, id)
}

func appendPort(dst []byte, port uint16) []byte {
	if port == 0 {
		return dst // a trusted proxy has told the address alone
	}
	return strconv.AppendUint(dst, uint64(port), 10)
}

// appendCacheStatus says in answers that nothing is cached. It is empty in requests, as Google's is.
func (x *Exchange) appendCacheStatus(dst []byte) []byte {
	if x.Answer.Response.Status == 0 && x.status == 0 {
		return dst
	}
	return append(dst, "disabled"...)
}

func (x *Exchange) appendProtocol(dst []byte) []byte {
	if x.Request.Major == 2 {
		return append(dst, "HTTP/2"...)
	}
	return strconv.AppendInt(append(dst, "HTTP/1."...), int64(x.Request.Minor), 10)
}

func (x *Exchange) appendRTT(dst []byte) []byte {
	if x.client.TCP == nil {
		return dst
	}
	rtt, ok := transport.RoundTripTime(x.client.TCP)
	if !ok {
		return dst
	}
	return strconv.AppendInt(dst, int64(rtt.Round(time.Millisecond)/time.Millisecond), 10)
}

func (x *Exchange) appendField(dst []byte, id header.ID) []byte {
	v, _ := x.Request.Header.Get(id)
	return append(dst, v...)
}

func (x *Exchange) userAgent() []byte {
	v, _ := x.Request.Header.Get(header.UserAgent)
	return v
}

// appendPlace appends where the client's address is, as far as the target proxy's database knows.
func (x *Exchange) appendPlace(dst []byte, id variable.ID) []byte {
	name := x.target.Spec.GetGeoDatabase()
	if name == "" || x.engine.Places == nil {
		return dst
	}
	if x.place == nil {
		place := x.engine.Places.Find(name, x.address.Addr())
		x.place = &place
	}
	switch place := x.place; id {
	case variable.ClientRegion:
		return append(dst, place.Region...)
	case variable.ClientRegionSubdivision:
		return append(dst, place.Subdivision...)
	case variable.ClientCity:
		return append(dst, place.City...)
	default:
		return append(dst, place.LatLong...)
	}
}

// appendSecured appends what is known of connections with TLS only.
func (x *Exchange) appendSecured(dst []byte, id variable.ID) []byte {
	h := x.client.Hello
	if h == nil {
		return dst
	}
	switch id {
	case variable.TLSVersion:
		return append(dst, strings.Replace(x.client.TLSVersion, "TLS ", "TLSv", 1)...)
	case variable.TLSCipherSuite:
		start := len(dst)
		dst = hex.AppendEncode(dst, []byte{byte(h.CipherSuite >> 8), byte(h.CipherSuite)})
		return append(dst[:start], strings.ToUpper(string(dst[start:]))...)
	case variable.TLSSNIHostname:
		return append(dst, strings.ToLower(strings.TrimSuffix(x.client.ServerName, "."))...)
	case variable.TLSJA3Fingerprint:
		return append(dst, h.JA3()...)
	case variable.TLSJA4Fingerprint:
		return append(dst, h.JA4()...)
	}
	if !h.Asked() {
		return dst
	}
	return x.certificate().Append(dst, id)
}

// certificate is what the client's certificate is worth.
func (x *Exchange) certificate() *variable.Certificate {
	h := x.client.Hello
	c := &variable.Certificate{Chain: h.Chain()}
	switch err := h.Verify(); {
	case len(c.Chain) == 0:
		c.Problem = variable.CertNotProvided
	case err != nil:
		c.Problem = variable.Invalid(err)
	default:
		c.Verified = true
	}
	return c
}

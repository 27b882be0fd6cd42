package balance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// affinity is the compiled SessionAffinity of a backend service.
type affinity struct {
	kind       lbv1.SessionAffinity_Type
	header     []byte
	cookie     string
	cookiePath string
	cookieTTL  time.Duration
}

func compileAffinity(spec *lbv1.BackendService) (affinity, error) {
	in := spec.GetSessionAffinity()
	a := affinity{kind: in.GetType(), cookiePath: "/", cookieTTL: in.GetCookieTtl().AsDuration()}
	switch a.kind {
	case lbv1.SessionAffinity_HEADER_FIELD:
		if in.GetHeader() == "" {
			return a, fmt.Errorf("session_affinity HEADER_FIELD names no header")
		}
		a.header = []byte(strings.ToLower(in.GetHeader()))
	case lbv1.SessionAffinity_GENERATED_COOKIE:
		a.cookie = "GCLB"
		if spec.GetRegion() != "" || spec.GetScheme() == lbv1.LoadBalancingScheme_INTERNAL_MANAGED {
			a.cookie = "GCILB"
		}
	case lbv1.SessionAffinity_HTTP_COOKIE:
		if !checkCookieName(in.GetCookieName()) || !checkCookiePath(in.GetCookiePath()) {
			return a, fmt.Errorf("session_affinity cookie %q with path %q is not valid", in.GetCookieName(), in.GetCookiePath())
		}
		a.cookie = in.GetCookieName()
		if in.GetCookiePath() != "" {
			a.cookiePath = in.GetCookiePath()
		}
	}
	return a, nil
}

// effectivePolicy is MAGLEV for an affinity without a hash policy, because affinity needs a hash.
func effectivePolicy(p lbv1.LocalityPolicy, a affinity) lbv1.LocalityPolicy {
	switch {
	case a.kind != lbv1.SessionAffinity_NONE && p != lbv1.LocalityPolicy_RING_HASH:
		return lbv1.LocalityPolicy_MAGLEV
	case p == lbv1.LocalityPolicy_LOCALITY_POLICY_UNSPECIFIED:
		return lbv1.LocalityPolicy_ROUND_ROBIN
	}
	return p
}

// hash is the number that a request's affinity gives; a request without the attribute gets a random one. Cookies that are
// missing are made and put into the input.
func (a *affinity) hash(in *PickInput) uint64 {
	switch a.kind {
	case lbv1.SessionAffinity_CLIENT_IP, lbv1.SessionAffinity_CLIENT_IP_PROTO:
		return hashAddress(in, false)
	case lbv1.SessionAffinity_CLIENT_IP_PORT_PROTO:
		return hashAddress(in, true)
	}
	if in.Request == nil {
		return rand.Uint64()
	}
	switch a.kind {
	case lbv1.SessionAffinity_HEADER_FIELD:
		if host := in.Request.Authority; string(a.header) == "host" && len(host) > 0 {
			return xxhash.Sum64(bytes.ToLower(host)) // a host is the same in any letters
		}
		if v, ok := in.Request.Header.GetName(a.header); ok {
			return xxhash.Sum64(v)
		}
	case lbv1.SessionAffinity_GENERATED_COOKIE, lbv1.SessionAffinity_HTTP_COOKIE:
		if v, ok := cookie(&in.Request.Header, a.cookie); ok && len(v) > 0 {
			return xxhash.Sum64(v)
		}
		value := strconv.AppendUint(nil, rand.Uint64(), 36)
		in.SetName, in.SetValue = header.SetCookie.Name(), setCookie(a.cookie, value, a.cookiePath, a.cookieTTL)
		return xxhash.Sum64(value)
	}
	return rand.Uint64()
}

func hashAddress(in *PickInput, withPort bool) uint64 {
	b := in.ClientIP.As16()
	if !withPort {
		return xxhash.Sum64(b[:])
	}
	var p [18]byte
	copy(p[:], b[:])
	p[16], p[17] = byte(in.ClientPort>>8), byte(in.ClientPort)
	return xxhash.Sum64(p[:])
}

package callout

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

const (
	numAttributes = 9
	// attributesKey is what attributes are under, as with Envoy.
	attributesKey = "envoy.filters.http.ext_proc"
)

// attribute is something of an exchange that an extension may forward. Its value is nil if the exchange has none.
type attribute struct {
	name  string
	value func(x extension.Exchange, q *extension.Request) *structpb.Value
}

// attributes are all that there are, in order of name.
func attributes() []attribute {
	return []attribute{
		{"connection.requested_server_name", serverName},
		{"connection.sha256_peer_certificate_digest", peerDigest},
		{"connection.sni", serverName},
		{"connection.tls_version", tlsVersion},
		{"request.backend_service_name", serviceName},
		{"request.host", ofRequest((*extension.Request).Authority)},
		{"request.method", ofRequest((*extension.Request).Method)},
		{"request.origin", ofRequest(origin)},
		{"request.path", ofRequest(targetPath)},
		{"request.query", ofRequest(targetQuery)},
		{"request.scheme", ofRequest((*extension.Request).Scheme)},
		{"request.url_path", ofRequest(targetPath)},
		{"source.address", sourceAddress},
		{"source.client_region", clientRegion},
		{"source.ip", sourceAddress},
		{"source.port", sourcePort},
	}
}

// Attributes are the names of what an extension may forward.
func Attributes() []string {
	var names []string
	for _, a := range attributes() {
		names = append(names, a.name)
	}
	return names
}

// attributesOf finds attributes by name.
func attributesOf(names []string) ([]attribute, error) {
	all, out := attributes(), make([]attribute, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(all, func(a attribute) bool { return a.name == name })
		if i < 0 {
			return nil, fmt.Errorf("forward_attributes: there is no attribute %q", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// appendAttributes appends the attributes that an extension forwards. What the exchange has not is left out.
func appendAttributes(dst []byte, all []attribute, x extension.Exchange, q *extension.Request) []byte {
	if len(all) == 0 {
		return dst
	}
	values := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for _, a := range all {
		if v := a.value(x, q); v != nil {
			values.Fields[a.name] = v
		}
	}
	encoded, err := proto.Marshal(values)
	if err != nil {
		return dst // of strings that are no UTF-8
	}
	return appendNested(dst, numAttributes, func(dst []byte) []byte {
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendString(dst, attributesKey)
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		return protowire.AppendBytes(dst, encoded)
	})
}

func textValue(s string) *structpb.Value {
	if s == "" {
		return nil
	}
	return structpb.NewStringValue(strings.ToValidUTF8(s, "�"))
}

func sourceAddress(x extension.Exchange, _ *extension.Request) *structpb.Value {
	return textValue(x.Client().Address.Addr().String())
}

func clientRegion(x extension.Exchange, _ *extension.Request) *structpb.Value {
	return textValue(x.Region())
}

func sourcePort(x extension.Exchange, _ *extension.Request) *structpb.Value {
	return structpb.NewNumberValue(float64(x.Client().Address.Port()))
}

func serverName(x extension.Exchange, _ *extension.Request) *structpb.Value {
	return textValue(x.Client().ServerName)
}

func tlsVersion(x extension.Exchange, _ *extension.Request) *structpb.Value {
	return textValue(strings.Replace(x.Client().TLSVersion, "TLS ", "TLSv", 1))
}

func peerDigest(x extension.Exchange, _ *extension.Request) *structpb.Value {
	c := x.Client()
	if c.PeerCertificate == nil {
		return nil
	}
	sum := sha256.Sum256(c.PeerCertificate.Raw)
	return textValue(hex.EncodeToString(sum[:]))
}

func serviceName(x extension.Exchange, _ *extension.Request) *structpb.Value {
	if s := x.Service(); s != nil {
		return textValue(s.Name)
	}
	return nil
}

// ofRequest makes an attribute of a part of the request; an empty part counts, one that is not there is nil.
func ofRequest(part func(*extension.Request) []byte) func(extension.Exchange, *extension.Request) *structpb.Value {
	return func(_ extension.Exchange, q *extension.Request) *structpb.Value {
		v := part(q)
		if v == nil {
			return nil
		}
		return structpb.NewStringValue(strings.ToValidUTF8(string(v), "�"))
	}
}

func origin(q *extension.Request) []byte {
	v, _ := q.Get("origin")
	return v
}

func targetPath(q *extension.Request) []byte {
	target, _, _ := bytes.Cut(q.Path(), []byte("?"))
	return target
}

func targetQuery(q *extension.Request) []byte {
	_, after, _ := bytes.Cut(q.Path(), []byte("?"))
	return after
}

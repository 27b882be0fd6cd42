package callout

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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

// appendAttributes appends the attributes that an extension forwards. What the exchange has not is left out.
func appendAttributes(dst []byte, names []string, x extension.Exchange, q *extension.Request) []byte {
	if len(names) == 0 {
		return dst
	}
	values := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for _, name := range names {
		v := attribute(x, name)
		if v == nil {
			v = requestAttribute(q, name)
		}
		if v != nil {
			values.Fields[name] = v
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

// attribute is a value of an exchange, nil if it has none.
func attribute(x extension.Exchange, name string) *structpb.Value {
	c := x.Client()
	text := func(s string) *structpb.Value {
		if s == "" {
			return nil
		}
		return structpb.NewStringValue(strings.ToValidUTF8(s, "�"))
	}
	switch name {
	case "source.ip", "source.address":
		return text(c.Address.Addr().String())
	case "source.port":
		return structpb.NewNumberValue(float64(c.Address.Port()))
	case "connection.sni", "connection.requested_server_name":
		return text(c.ServerName)
	case "connection.tls_version":
		return text(strings.Replace(c.TLSVersion, "TLS ", "TLSv", 1))
	case "connection.sha256_peer_certificate_digest":
		if c.PeerCertificate == nil {
			return nil
		}
		sum := sha256.Sum256(c.PeerCertificate.Raw)
		return text(hex.EncodeToString(sum[:]))
	case "request.backend_service_name":
		if s := x.Service(); s != nil {
			return text(s.Name)
		}
	}
	return nil
}

// requestAttribute is a value of a request, nil if it has none.
func requestAttribute(q *extension.Request, name string) *structpb.Value {
	target, query, _ := bytes.Cut(q.Path(), []byte("?"))
	var v []byte
	switch name {
	case "request.method":
		v = q.Method()
	case "request.host":
		v = q.Authority()
	case "request.path", "request.url_path":
		v = target
	case "request.query":
		v = query
	case "request.scheme":
		v = q.Scheme()
	case "request.origin":
		v, _ = q.Get("origin")
	}
	if v == nil {
		return nil
	}
	return structpb.NewStringValue(strings.ToValidUTF8(string(v), "�"))
}

// Package grpchealth is the gRPC health protocol (grpc.health.v1): one unary call, small enough to write by hand.
//
// In: a transport and where to ask, or a handler's request. Out: the status in words, or an answer.
//
//	detail, err := grpchealth.Check(ctx, transport, grpchealth.Question{URL: url, Service: "store"})
//	mux.HandleFunc(grpchealth.Path, func(w http.ResponseWriter, r *http.Request) { grpchealth.Answer(w, r, known) })
//
// Probers, kubelets and sample images share it; it links nothing of gRPC's.
package grpchealth

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// Path is the method's.
	Path = "/grpc.health.v1.Health/Check"
	// prefix is the length of a message's prefix: a flag byte and the length.
	prefix = 5
	// maxMessage bounds what is read of a message, in bytes.
	maxMessage = 1024
)

// Question is what is asked, and where. The path of the URL is set here.
type Question struct {
	URL *url.URL
	// Host is the authority, that of the URL if empty.
	Host      string
	Service   string
	UserAgent string
}

// Check asks. The transport has to speak HTTP/2.
func Check(ctx context.Context, t http.RoundTripper, q Question) (detail string, err error) {
	var message []byte
	if q.Service != "" {
		message = protowire.AppendTag(message, 1, protowire.BytesType)
		message = protowire.AppendString(message, q.Service)
	}
	at := *q.URL
	at.Path, at.RawPath, at.RawQuery = Path, "", ""
	body := frame(message)
	request := (&http.Request{
		Method: http.MethodPost, URL: &at, Host: q.Host,
		Header: http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {q.UserAgent}},
		Body:   io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}).WithContext(ctx)
	answer, err := t.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	got, err := io.ReadAll(io.LimitReader(answer.Body, maxMessage))
	if err != nil {
		return "", err
	}
	status := answer.Trailer.Get("Grpc-Status")
	if status == "" {
		status = answer.Header.Get("Grpc-Status")
	}
	if status != "0" {
		return "", fmt.Errorf("gRPC status %s", status)
	}
	return serving(got)
}

func frame(message []byte) []byte {
	f := make([]byte, prefix, prefix+len(message))
	binary.BigEndian.PutUint32(f[1:], uint32(len(message)))
	return append(f, message...)
}

// unframe returns the one message of a body.
func unframe(body []byte) ([]byte, error) {
	if len(body) < prefix || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-prefix {
		return nil, errors.New("the answer is not one gRPC message")
	}
	return body[prefix:], nil
}

// eachFirst has consume read each field 1 of a type in a framed message: both messages have that one alone. consume returns how many
// bytes it took, or protowire's negative error.
func eachFirst(body []byte, of protowire.Type, consume func([]byte) int) error {
	rest, err := unframe(body)
	if err != nil {
		return err
	}
	for len(rest) > 0 {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return protowire.ParseError(n)
		}
		rest = rest[n:]
		if number == 1 && kind == of {
			n = consume(rest)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, rest)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		rest = rest[n:]
	}
	return nil
}

var servingNames = map[uint64]string{0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}

// serving reads HealthCheckResponse.status, field 1.
func serving(body []byte) (string, error) {
	var status uint64
	err := eachFirst(body, protowire.VarintType, func(rest []byte) (n int) {
		status, n = protowire.ConsumeVarint(rest)
		return n
	})
	if err != nil {
		return "", err
	}
	detail := "gRPC " + servingNames[status]
	if status != 1 {
		return "", errors.New(detail)
	}
	return detail, nil
}

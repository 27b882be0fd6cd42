package health

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"

	"google.golang.org/protobuf/encoding/protowire"
)

// The gRPC health protocol (grpc.health.v1): one unary call, small enough to write by hand.
const (
	grpcCheckPath = "/grpc.health.v1.Health/Check"
	// grpcPrefix is the length of a message's prefix: a flag byte and the length.
	grpcPrefix = 5
)

// exchangeGRPC calls Check over HTTP/2 without TLS, as Google's gRPC health checks do.
func (r *runner) exchangeGRPC(ctx context.Context, conn net.Conn, s *Settings, endpoint netip.AddrPort) (string, error) {
	var message []byte
	if s.GRPCService != "" {
		message = protowire.AppendTag(message, 1, protowire.BytesType)
		message = protowire.AppendString(message, s.GRPCService)
	}
	frame := make([]byte, grpcPrefix, grpcPrefix+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	req := (&http.Request{
		Method: http.MethodPost, URL: s.url(endpoint, grpcCheckPath), Host: s.target(endpoint).String(),
		Header: http.Header{
			"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {r.userAgent},
		},
		Body: io.NopCloser(bytes.NewReader(append(frame, message...))), ContentLength: int64(grpcPrefix + len(message)),
	}).WithContext(ctx)
	resp, err := roundTrip(conn, s, req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", err
	}
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status")
	}
	if status != "0" {
		return "", fmt.Errorf("gRPC status %s", status)
	}
	return servingStatus(body)
}

var servingNames = map[uint64]string{0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}

// servingStatus reads HealthCheckResponse.status, field 1.
func servingStatus(body []byte) (string, error) {
	if len(body) < grpcPrefix || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-grpcPrefix {
		return "", errors.New("the answer is not one gRPC message")
	}
	var status uint64
	for rest := body[grpcPrefix:]; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return "", protowire.ParseError(n)
		}
		rest = rest[n:]
		if number == 1 && kind == protowire.VarintType {
			status, n = protowire.ConsumeVarint(rest)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, rest)
		}
		if n < 0 {
			return "", protowire.ParseError(n)
		}
		rest = rest[n:]
	}
	detail := "gRPC " + servingNames[status]
	if status != 1 {
		return "", errors.New(detail)
	}
	return detail, nil
}

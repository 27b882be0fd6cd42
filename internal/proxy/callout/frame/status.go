package frame

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/grpccode"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// Code is a status of gRPC.
type Code = grpccode.Code

// The codes that are needed by name.
const (
	OK                = grpccode.OK
	Cancelled         = grpccode.Cancelled
	Unknown           = grpccode.Unknown
	DeadlineExceeded  = grpccode.DeadlineExceeded
	ResourceExhausted = grpccode.ResourceExhausted
	Internal          = grpccode.Internal
	Unavailable       = grpccode.Unavailable
)

// Status is how a call ended.
type Status struct {
	Code    Code
	Message string
}

func (s Status) String() string {
	if s.Message == "" {
		return s.Code.String()
	}
	return s.Code.String() + ": " + s.Message
}

// maxStatusMessage bounds what is kept of a message, in bytes.
const maxStatusMessage = 512

// StatusOf reads a status from trailers, or from the head of an answer that is nothing else. false: there is none.
func StatusOf(m *header.Map) (Status, bool) {
	if m == nil {
		return Status{}, false
	}
	text, ok := m.Get(header.GrpcStatus)
	if !ok {
		return Status{}, false
	}
	code, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return Status{Code: Unknown, Message: "grpc-status is no number"}, true
	}
	s := Status{Code: Code(code)}
	if text, ok := m.Get(header.GrpcMessage); ok {
		s.Message = decodePercent(text)
	}
	return s, true
}

// decodePercent undoes the encoding of grpc-message. What is no encoding stays as it is.
func decodePercent(p []byte) string {
	p = p[:min(len(p), maxStatusMessage)]
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) {
			if n, err := strconv.ParseUint(string(p[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, p[i])
	}
	return string(out)
}

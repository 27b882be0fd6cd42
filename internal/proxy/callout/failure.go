package callout

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
)

// Cause says what went wrong with a callout, in a word that may label a metric.
type Cause string

// The causes that are found here. Those of connections are the words of package call.
const (
	// CauseGRPC: the callout ended the stream with a status other than OK.
	CauseGRPC Cause = "grpc_status"
	// CauseProtocol: what came is no ext_proc, or came where it must not.
	CauseProtocol Cause = "protocol"
	// CauseMutation: the callout asked for what has no place in HTTP.
	CauseMutation Cause = "mutation"
	// CauseTooLarge: a message above the limit.
	CauseTooLarge Cause = "message_too_large"
	// CauseConfig: the extension cannot run at all.
	CauseConfig Cause = "config"
	// CauseCertificate: TLS, because of the callout's certificate.
	CauseCertificate Cause = "tls_certificate"
	// CauseDNS: the callout's name could not be resolved.
	CauseDNS Cause = "dns"
)

// Failure is why a callout did not do its part.
type Failure struct {
	Cause Cause
	// Status is the callout's, or what gRPC says of such a failure.
	Status frame.Status
	Err    error
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("callout: %s: %s", f.Cause, f.Status)
	}
	return fmt.Sprintf("callout: %s: %v", f.Cause, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }

// Word and Text are for logs and metrics.
func (f *Failure) Word() string { return string(f.Cause) }

// Text says it for people.
func (f *Failure) Text() string {
	if f.Err == nil {
		return f.Status.String()
	}
	return f.Err.Error()
}

// protocolFailure is that of a callout that violates the protocol.
func protocolFailure(err error) *Failure {
	var large *frame.TooLargeError
	if errors.As(err, &large) {
		return &Failure{Cause: CauseTooLarge, Status: frame.Status{Code: frame.ResourceExhausted, Message: err.Error()}, Err: err}
	}
	return &Failure{Cause: CauseProtocol, Status: frame.Status{Code: frame.Internal, Message: err.Error()}, Err: err}
}

// connectionCause is a nearer cause than that of a connection as a whole, "" if none is known.
func connectionCause(err error) Cause {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		dns      *net.DNSError
	)
	switch {
	case errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return CauseCertificate
	case errors.As(err, &dns):
		return CauseDNS
	}
	return ""
}

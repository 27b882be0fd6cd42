package credentials

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Replica says why a caller is not another replica of this controller. One is: its certificate is for a DNS name that the
// controller's own is for, too. Those of proxies are not.
func Replica(f Files) (func(context.Context) error, error) {
	k := &keeper{files: f}
	if err := k.read(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		own, _ := k.current()
		leaf, err := x509.ParseCertificate(own.Certificate[0])
		if err != nil {
			return err
		}
		return sharesName(leaf, caller(ctx))
	}, nil
}

// caller is the certificate that the peer of a call has shown; nil if it has shown none.
func caller(ctx context.Context) *x509.Certificate {
	p, _ := peer.FromContext(ctx)
	if p == nil {
		return nil
	}
	if info, ok := p.AuthInfo.(grpccredentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
		return info.State.PeerCertificates[0]
	}
	return nil
}

func sharesName(own, caller *x509.Certificate) error {
	if caller == nil {
		return errors.New("no certificate was shown")
	}
	for _, name := range caller.DNSNames {
		if slices.ContainsFunc(own.DNSNames, func(n string) bool { return strings.EqualFold(n, name) }) {
			return nil
		}
	}
	return fmt.Errorf("the certificate shown is for %q, and this controller's for %q: replicas share a DNS name", caller.DNSNames, own.DNSNames)
}

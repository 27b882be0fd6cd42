// Package credentials is the mutual TLS between controllers and proxies: each shows a certificate of the fleet's authority and asks
// for one.
//
// In: the files of a certificate, its key and the authority's certificates, in PEM. Out: gRPC credentials that read the files again for each
// connection when they have changed, so that rotation needs no restart.
//
//	server, err := credentials.Server(credentials.Files{Certificate: "tls.crt", Key: "tls.key", Authority: "ca.crt"})
//	client, err := credentials.Client(files, "spillway-controller")
//	get, err := credentials.Certificate("tls.crt", "tls.key") // for servers that ask for none
//
// Files that cannot be used while the process runs leave those from before in use; at the start they are an error.
package credentials

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	grpccredentials "google.golang.org/grpc/credentials"
)

// Files are paths; all are needed.
type Files struct {
	Certificate, Key, Authority string
}

// Given says that any of them is.
func (f Files) Given() bool { return f != (Files{}) }

func (f Files) all() []string { return []string{f.Certificate, f.Key, f.Authority} }

// Server are the credentials of a controller.
func Server(f Files) (grpccredentials.TransportCredentials, error) {
	k := &keeper{files: f}
	if err := k.read(); err != nil {
		return nil, err
	}
	return grpccredentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			pair, authority := k.current()
			return &tls.Config{
				MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*pair},
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority, NextProtos: []string{"h2"},
			}, nil
		},
	}), nil
}

// Client are the credentials of a proxy; the controller's certificate has to be for the name, or, if that is "", for the host
// that is called.
func Client(f Files, name string) (grpccredentials.TransportCredentials, error) {
	k := &keeper{files: f}
	if err := k.read(); err != nil {
		return nil, err
	}
	return &client{TransportCredentials: k.client(name), keeper: k, name: name}, nil
}

// client checks each controller with the authority of that moment.
type client struct {
	grpccredentials.TransportCredentials
	keeper *keeper
	name   string
}

// ClientHandshake leaves all checks to crypto/tls: it knows addresses from names, and what a connection was meant for.
func (c *client) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, grpccredentials.AuthInfo, error) {
	return c.keeper.client(c.name).ClientHandshake(ctx, authority, conn)
}

// Clone is the same again: nothing of it changes.
func (c *client) Clone() grpccredentials.TransportCredentials { return c }

func (k *keeper) client(name string) grpccredentials.TransportCredentials {
	pair, authority := k.current()
	return grpccredentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: name, RootCAs: authority,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil },
	})
}

// Certificate shows a certificate to whoever connects, and asks nobody for one: it is tls.Config's GetCertificate.
func Certificate(certificate, key string) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	k := &keeper{files: Files{Certificate: certificate, Key: key}, alone: true}
	if err := k.read(); err != nil {
		return nil, err
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, _ := k.current()
		return pair, nil
	}, nil
}

// keeper has the newest usable content of the files.
type keeper struct {
	files Files
	alone bool // no authority is needed

	mu        sync.Mutex
	changed   [3]time.Time // of the files that were read last
	pair      *tls.Certificate
	authority *x509.CertPool
}

// current reads the files if they have changed.
func (k *keeper) current() (*tls.Certificate, *x509.CertPool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if times, err := k.times(); err == nil && times != k.changed {
		_ = k.load(times) // what was there before stays; the next connection tries again
	}
	return k.pair, k.authority
}

func (k *keeper) read() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	times, err := k.times()
	if err != nil {
		return err
	}
	return k.load(times)
}

func (k *keeper) times() (out [3]time.Time, err error) {
	for i, name := range k.files.all() {
		if k.alone && name == k.files.Authority {
			continue
		}
		if name == "" {
			return out, errors.New("a certificate, its key and the authority's certificates are needed, all three")
		}
		info, err := os.Stat(name)
		if err != nil {
			return out, err
		}
		out[i] = info.ModTime()
	}
	return out, nil
}

func (k *keeper) load(times [3]time.Time) error {
	pair, err := tls.LoadX509KeyPair(k.files.Certificate, k.files.Key)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", k.files.Certificate, k.files.Key, err)
	}
	if k.alone {
		k.changed, k.pair = times, &pair
		return nil
	}
	pem, err := os.ReadFile(k.files.Authority)
	if err != nil {
		return err
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s: no certificate in it", k.files.Authority)
	}
	k.changed, k.pair, k.authority = times, &pair, authority
	return nil
}

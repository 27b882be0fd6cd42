package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// source is where manifests and blobs come from.
type source interface {
	content.Resolver
	content.Fetcher
}

// open finds the source of an image.
func (s *Store) open(i Image) (source, error) {
	if i.Layout {
		at, err := s.path(i)
		if err != nil {
			return nil, err
		}
		return openLayout(at)
	}
	return s.repository(i)
}

func (s *Store) repository(i Image) (*remote.Repository, error) {
	r, err := remote.NewRepository(i.Host + "/" + i.Repository)
	if err != nil {
		return nil, err
	}
	r.PlainHTTP = loopback(i.Host)
	r.Client = s.client
	return r, nil
}

// dialTimeout and headTimeout bound what a registry may keep one waiting for; the caller's context bounds the whole.
const (
	dialTimeout = 10 * time.Second
	headTimeout = 30 * time.Second
)

// newClient makes the client of registries. It reads credentials at each use: whoever logs in need not restart us.
func newClient(roots *tls.Config) *auth.Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headTimeout,
		IdleConnTimeout:       time.Minute,
		MaxIdleConns:          8,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       roots,
	}
	c := &auth.Client{
		Client:     &http.Client{Transport: transport, CheckRedirect: onlyToTLS},
		Credential: credential,
	}
	c.SetUserAgent("spillway")
	return c
}

// onlyToTLS refuses redirections that leave TLS, as they would take the image, and perhaps a token, into the open.
func onlyToTLS(next *http.Request, before []*http.Request) error {
	if len(before) >= 10 {
		return errors.New("the registry redirects in circles")
	}
	if next.URL.Scheme != "https" && !loopback(next.URL.Host) {
		return fmt.Errorf("the registry redirects to %s, which has no TLS", next.URL.Host)
	}
	return nil
}

// credential looks where docker and podman keep what one logs in with, helpers included.
func credential(ctx context.Context, host string) (auth.Credential, error) {
	stores := []credentials.Store{}
	docker, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return auth.EmptyCredential, fmt.Errorf("cannot read docker's credentials: %w", err)
	}
	stores = append(stores, docker)
	for _, path := range podmanFiles() {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		podman, err := credentials.NewStore(path, credentials.StoreOptions{})
		if err != nil {
			return auth.EmptyCredential, fmt.Errorf("cannot read podman's credentials: %w", err)
		}
		stores = append(stores, podman)
	}
	c, err := credentials.Credential(credentials.NewStoreWithFallbacks(stores[0], stores[1:]...))(ctx, host)
	if err != nil {
		return c, fmt.Errorf("cannot get the credentials for %s: %w", host, err)
	}
	return c, nil
}

func podmanFiles() (paths []string) {
	if path := os.Getenv("REGISTRY_AUTH_FILE"); path != "" {
		paths = append(paths, path)
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		paths = append(paths, filepath.Join(dir, "containers", "auth.json"))
	}
	return paths
}

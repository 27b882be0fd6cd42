package main

import (
	"crypto/tls"
	"flag"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
)

func reverseProxyCommand(_ options, s setup) (env, argv []string, err error) {
	if s.routes > 0 {
		return nil, nil, errUnsupported
	}
	self, err := os.Executable()
	argv = []string{self, "reverseproxy", "-listen", strconv.Itoa(s.Listen), "-backend", strconv.Itoa(s.Backend)}
	if s.tls {
		argv = append(argv, "-cert", s.Pair.cert, "-key", s.Pair.key)
	}
	if s.http2Up {
		argv = append(argv, "-h2c-up")
	}
	return []string{"GOMAXPROCS=1"}, argv, err
}

// serveReverseProxy is what a Go program gets from the standard library.
func serveReverseProxy(args []string) error {
	f := flag.NewFlagSet("reverseproxy", flag.ExitOnError)
	listen := f.Int("listen", 0, "port")
	backend := f.Int("backend", 0, "port")
	cert, key := f.String("cert", "", "file"), f.String("key", "", "file")
	h2c := f.Bool("h2c-up", false, "HTTP/2 to the backend")
	_ = f.Parse(args)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address(*backend)})
	transport := &http.Transport{MaxIdleConns: 20_000, MaxIdleConnsPerHost: 20_000, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!*h2c)
	transport.Protocols.SetUnencryptedHTTP2(*h2c)
	proxy.Transport = transport
	server := &http.Server{
		Addr: address(*listen), Handler: proxy, Protocols: new(http.Protocols),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	if *cert != "" {
		return server.ListenAndServeTLS(*cert, *key)
	}
	return server.ListenAndServe()
}

package gateway_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strconv"
	"sync"
	"time"
)

// makePair makes a self-signed certificate for *.example.com and its key, as PEM.
var makePair = sync.OnceValues(func() (certificate, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"*.example.com"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
})

// withCertificates replaces the marks in a manifest: the base64 of the pair, and the certificate itself in one line.
func withCertificates(manifest []byte) []byte {
	certificate, key := makePair()
	for mark, text := range map[string]string{
		"(certificate)":        base64.StdEncoding.EncodeToString(certificate),
		"(key)":                base64.StdEncoding.EncodeToString(key),
		"(quoted certificate)": strconv.Quote(string(certificate)),
	} {
		manifest = bytes.ReplaceAll(manifest, []byte(mark), []byte(text))
	}
	return manifest
}

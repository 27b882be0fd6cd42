package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// verify is what an API server does.
func verify(t *testing.T, bundle []byte, data map[string][]byte, host string, now time.Time) error {
	t.Helper()
	pair, err := tls.X509KeyPair(data[fieldCertificate], data[fieldKey])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		t.Fatal("no certificate in the bundle")
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: now})
	return err
}

func renewed(t *testing.T, old map[string][]byte, now time.Time, hosts ...string) map[string][]byte {
	t.Helper()
	next, err := renew(old, hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestRenewal: what is good stays, a certificate is renewed long before its end and the authority, too; who trusts the authority from
// before trusts its certificates, and who trusts the new bundle those from before.
func TestRenewal(t *testing.T) {
	data := renewed(t, nil, start, "10.0.0.1", "webhook.ns.svc")
	for _, host := range []string{"10.0.0.1", "webhook.ns.svc"} {
		if err := verify(t, data[fieldAuthority], data, host, start); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if next := renewed(t, data, start.Add(200*day), "10.0.0.1"); next != nil {
		t.Error("what is good was renewed")
	}
	next := renewed(t, data, start.Add(250*day), "10.0.0.1")
	if next == nil || !bytes.Equal(next[fieldAuthority], data[fieldAuthority]) || !bytes.Equal(next[fieldAuthorityKey], data[fieldAuthorityKey]) {
		t.Fatal("the certificate alone is to be renewed")
	}
	if err := verify(t, data[fieldAuthority], next, "10.0.0.1", start.Add(600*day)); err != nil {
		t.Error(err)
	}
	old, now := next, start.Add(9*365*day)
	if next = renewed(t, old, now, "10.0.0.1"); next == nil || bytes.Equal(next[fieldAuthorityKey], old[fieldAuthorityKey]) {
		t.Fatal("the authority is to be renewed")
	}
	if err := verify(t, next[fieldAuthority], next, "10.0.0.1", now); err != nil {
		t.Error(err)
	}
	if err := verify(t, next[fieldAuthority], data, "10.0.0.1", start.Add(300*day)); err != nil {
		t.Errorf("a replica that has not looked yet: %v", err)
	}
	if again := renewed(t, next, now, "10.0.0.1"); again != nil {
		t.Error("renewed twice")
	}
	last := renewed(t, next, now.Add(20*365*day), "10.0.0.1")
	if n := bytes.Count(last[fieldAuthority], []byte("BEGIN")); n != 1 {
		t.Errorf("%d authorities, those that have expired among them", n)
	}
}

// TestWhatIsNotGoodIsReplaced whoever broke it.
func TestWhatIsNotGoodIsReplaced(t *testing.T) {
	good := renewed(t, nil, start, "a.test")
	other := renewed(t, nil, start, "a.test")
	for name, change := range map[string]func(map[string][]byte){
		"another host":      func(d map[string][]byte) { maps.Copy(d, renewed(t, nil, start, "b.test")) },
		"no certificate":    func(d map[string][]byte) { delete(d, fieldCertificate) },
		"no key":            func(d map[string][]byte) { d[fieldKey] = []byte("key") },
		"another one's key": func(d map[string][]byte) { d[fieldKey] = other[fieldKey] },
		"no authority":      func(d map[string][]byte) { delete(d, fieldAuthority) },
		"another authority": func(d map[string][]byte) {
			d[fieldAuthority], d[fieldAuthorityKey] = other[fieldAuthority], other[fieldAuthorityKey]
		},
		"no authority's key":  func(d map[string][]byte) { delete(d, fieldAuthorityKey) },
		"a leaf as authority": func(d map[string][]byte) { d[fieldAuthority], d[fieldAuthorityKey] = d[fieldCertificate], d[fieldKey] },
		"text where PEM should": func(d map[string][]byte) {
			d[fieldAuthority] = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		},
	} {
		data := maps.Clone(good)
		change(data)
		next := renewed(t, data, start, "a.test")
		if next == nil {
			t.Errorf("%s: it stays", name)
			continue
		}
		if err := verify(t, next[fieldAuthority], next, "a.test", start); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package sample

import (
	"slices"
	"testing"
)

func TestCalloutBasic(t *testing.T) {
	program, known := Find("us-docker.pkg.dev/service-extensions-samples/callouts/python-example-basic:main")
	if !known {
		t.Fatal("the sample callout is not known")
	}
	files := pemFiles(t)
	env := map[string]string{"TLS_SERVER_CERT": "/tls/crt", "TLS_SERVER_PRIVKEY": "/tls/key"}
	for name, c := range map[string]Container{"its own certificate": {Env: env}, "a mounted one": {Env: env, Files: files}} {
		b, err := program(pod, c)
		if err != nil || !slices.Equal(b.Ports, []uint16{443, 8080, 80}) || len(b.TLS[443].Certificates) != 1 {
			t.Errorf("%s: %+v %v", name, b, err)
		}
	}
	if _, err := program(pod, Container{Env: env, Files: map[string][]byte{"/tls/crt": []byte("x"), "/tls/key": []byte("y")}}); err == nil {
		t.Error("a certificate that is none was taken")
	}
	if _, err := program(pod, Container{Args: []string{"sh"}}); err == nil {
		t.Error("a command was taken")
	}
}

package sample

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm"
)

type host struct{}

func (host) Property(string) ([]byte, bool) { return nil, false }

type none struct{}

func (none) Len() int                 { return 0 }
func (none) At(int) (n, v []byte)     { return nil, nil }
func (none) Set(string, []byte) error { return nil }
func (none) Add(string, []byte) error { return nil }
func (none) Del(string) error         { return nil }

func TestLocalReplyAnswers(t *testing.T) {
	code, found := Module("us-docker.pkg.dev/service-extensions-samples/plugins/local-reply:main")
	if !found {
		t.Fatal("the tutorial's image is not there")
	}
	if again, _ := Module("europe-docker.pkg.dev/service-extensions-samples/plugins/local-reply@sha256:00"); !bytes.Equal(code, again) {
		t.Error("the module differs from one time to the next")
	}
	m, err := wasm.Load(context.Background(), code, wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	p, err := m.Plugin(wasm.PluginConfig{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s, err := p.Stream(host{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.RequestHeaders(none{}, true)
	var reply *wasm.LocalReply
	if !errors.As(err, &reply) || reply.Status != 200 || string(reply.Body) != "Hello World" || len(reply.Headers) != 1 ||
		reply.Headers[0] != (wasm.Pair{Name: "content-type", Value: "text/plain"}) {
		t.Errorf("%v: %+v", err, reply)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOtherImagesAreNotHere(t *testing.T) {
	for _, image := range []string{"", "local-reply", "us-docker.pkg.dev/other/plugins/local-reply:main", "x/service-extensions-samples/plugins/local-reply2"} {
		if _, found := Module(image); found {
			t.Errorf("%q is a sample", image)
		}
	}
}

package plugin

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// What was checked is what proxies get: nothing is compiled twice.
func TestACheckedModuleIsKeptForProxies(t *testing.T) {
	code, asked := wat.New().Plugin().Module(), 0
	m := NewModules(func(string, string) ([]byte, error) { asked++; return code, nil }, wasm.Options{})
	if err := m.Check(t.Context(), wasm.GCP, "sha256:1", code); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	first, err := m.get(wasm.GCP, "image", "sha256:1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.get(wasm.GCP, "image", "sha256:1")
	if err != nil || first != second || asked != 0 {
		t.Errorf("compiled again, asked %d times: %v", asked, err)
	}
	if len(m.checked) != 0 {
		t.Error("kept although a proxy has it")
	}
	runtime.KeepAlive(first)
}

func TestFewCheckedModulesAreKept(t *testing.T) {
	m := NewModules(nil, wasm.Options{})
	for i := range maxChecked + 3 {
		if err := m.Check(t.Context(), wasm.GCP, string(rune('a'+i)), wat.New().Plugin().Module()); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.checked) != maxChecked || m.checked[0].digest != "d" {
		t.Errorf("%d are kept, the oldest is %s", len(m.checked), m.checked[0].digest)
	}
}

// A module that was refused is not compiled with each transaction.
func TestARefusedModuleIsNotCompiledAgain(t *testing.T) {
	now, asked := time.Unix(1000, 0), 0
	m := NewModules(func(string, string) ([]byte, error) { asked++; return []byte("no module"), nil }, wasm.Options{})
	m.now = func() time.Time { return now }
	_, first := m.load(t.Context(), moduleKey{digest: "sha256:1"}, func() ([]byte, error) { return m.source("", "") })
	_, again := m.load(t.Context(), moduleKey{digest: "sha256:1"}, func() ([]byte, error) { return m.source("", "") })
	if first == nil || !errors.Is(again, first) || asked != 1 {
		t.Errorf("asked %d times: %v, %v", asked, first, again)
	}
	now = now.Add(firstRetry)
	if _, err := m.get(wasm.GCP, "image", "sha256:1"); err == nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// What could not be read may be there the next time.
func TestAMissingModuleIsAskedForAgain(t *testing.T) {
	missing := true
	m := NewModules(func(string, string) ([]byte, error) {
		if missing {
			return nil, errors.New("it is gone")
		}
		return wat.New().Plugin().Module(), nil
	}, wasm.Options{})
	if _, err := m.get(wasm.GCP, "image", "sha256:1"); err == nil {
		t.Fatal("it is there")
	}
	missing = false
	if _, err := m.get(wasm.GCP, "image", "sha256:1"); err != nil {
		t.Error(err)
	}
}

// A proxy, whose requests wait, does not wait for the making of a module that it has not asked for.
func TestModulesAreMadeBesideEachOther(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	code := wat.New().Plugin().Module()
	m := NewModules(func(image, _ string) ([]byte, error) {
		if image == "slow" {
			close(began)
			<-goOn
		}
		return code, nil
	}, wasm.Options{})
	slow := make(chan error)
	go func() {
		_, err := m.get(wasm.GCP, "slow", "sha256:1")
		slow <- err
	}()
	<-began
	if _, err := m.get(wasm.GCP, "quick", "sha256:2"); err != nil {
		t.Error(err)
	}
	close(goOn)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

// Who asks for a module while it is being made gets that one.
func TestAModuleIsMadeOnce(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	code := wat.New().Plugin().Module()
	m := NewModules(func(string, string) ([]byte, error) {
		close(began) // a second time panics
		<-goOn
		return code, nil
	}, wasm.Options{})
	made := make(chan *module)
	get := func() {
		got, _ := m.get(wasm.GCP, "image", "sha256:1")
		made <- got
	}
	go get()
	<-began
	go get()
	close(goOn)
	if first, second := <-made, <-made; first == nil || first != second {
		t.Errorf("%p and %p", first, second)
	}
}

// What was given up says nothing about the module.
func TestACheckThatIsGivenUp(t *testing.T) {
	m, code := NewModules(nil, wasm.Options{}), wat.New().Plugin().Module()
	ended, end := context.WithCancel(t.Context())
	end()
	m.checking <- struct{}{} // another one is under way
	if err := m.Check(ended, wasm.GCP, "sha256:1", code); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	<-m.checking
	if err := m.Check(t.Context(), wasm.GCP, "sha256:1", code); err != nil {
		t.Error(err)
	}
	m = NewModules(func(string, string) ([]byte, error) { return many(), nil }, wasm.Options{})
	m.Close()
	if _, err := m.get(wasm.GCP, "image", "sha256:1"); !errors.Is(err, context.Canceled) || len(m.refused) > 0 {
		t.Errorf("%v, and %d are refused", err, len(m.refused))
	}
}

// many has functions enough that compiling them is looked after by several workers.
func many() []byte {
	b := wat.New()
	b.Plugin()
	for i := range 64 {
		b.Function(fmt.Sprintf("f%d", i), "i>i", 0, wat.Local(0))
	}
	return b.Module()
}

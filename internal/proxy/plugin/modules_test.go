package plugin

import (
	"errors"
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
	if err := m.Check(wasm.GCP, "sha256:1", code); err != nil {
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
		if err := m.Check(wasm.GCP, string(rune('a'+i)), wat.New().Plugin().Module()); err != nil {
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
	_, first := m.load(moduleKey{digest: "sha256:1"}, func() ([]byte, error) { return m.source("", "") })
	_, again := m.load(moduleKey{digest: "sha256:1"}, func() ([]byte, error) { return m.source("", "") })
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

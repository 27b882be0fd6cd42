package wasm

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// fields are a header map for tests. Some names cannot be changed.
type fields struct {
	list   Pairs
	frozen map[string]bool
}

var errFrozen = errors.New("must not be changed")

func (f *fields) Len() int { return len(f.list) }
func (f *fields) At(i int) (name, value []byte) {
	return []byte(f.list[i].Name), []byte(f.list[i].Value)
}

func (f *fields) Set(name string, value []byte) error {
	for i := range f.list {
		if f.list[i].Name == name && !f.frozen[name] {
			f.list[i].Value = string(value)
			rest := f.list[:i+1]
			for _, other := range f.list[i+1:] {
				if other.Name != name {
					rest = append(rest, other)
				}
			}
			f.list = rest
			return nil
		}
	}
	return f.Add(name, value)
}

func (f *fields) Add(name string, value []byte) error {
	if f.frozen[name] {
		return errFrozen
	}
	f.list = append(f.list, Pair{name, string(value)})
	return nil
}

func (f *fields) Del(name string) error {
	if f.frozen[name] {
		return errFrozen
	}
	var rest Pairs
	for _, p := range f.list {
		if p.Name != name {
			rest = append(rest, p)
		}
	}
	f.list = rest
	return nil
}

// String is "name: value" of each, with " | " between.
func (f *fields) String() string {
	var all []string
	for _, p := range f.list {
		all = append(all, p.Name+": "+p.Value)
	}
	return strings.Join(all, " | ")
}

// headersOf reads what String writes.
func headersOf(text string) *fields {
	f := &fields{frozen: map[string]bool{}}
	for _, line := range strings.Split(text, " | ") {
		if name, value, found := strings.Cut(line, ": "); found {
			f.list = append(f.list, Pair{name, value})
		}
	}
	return f
}

// properties are a host for tests; "." stands for the zero between segments.
type properties map[string]string

func (p properties) Property(path string) ([]byte, bool) {
	v, found := p[strings.ReplaceAll(path, "\x00", ".")]
	return []byte(v), found
}

// records collects what guests log.
type records struct {
	mu   sync.Mutex
	list []Record
}

func (r *records) add(x Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x)
}

// all is each record as "level text".
func (r *records) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, x := range r.list {
		lines = append(lines, x.Level.String()+" "+x.Message)
	}
	return lines
}

func (r *records) has(line string) bool {
	for _, l := range r.all() {
		if l == line {
			return true
		}
	}
	return false
}

// patience is a deadline that only an endless loop reaches, on any machine.
const patience = 20 * time.Second

func load(t testing.TB, code []byte, o Options) *Module {
	t.Helper()
	m, err := Load(context.Background(), code, o)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

func start(t testing.TB, code []byte, o Options, c PluginConfig) (*Plugin, *records) {
	t.Helper()
	logged := &records{}
	if c.Log == nil {
		c.Log = logged.add
	}
	if c.Timeout == 0 {
		c.Timeout = patience
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = patience
	}
	p, err := load(t, code, o).Plugin(c)
	if err != nil {
		t.Fatalf("plugin: %v", err)
	}
	t.Cleanup(p.Close)
	return p, logged
}

func stream(t testing.TB, p *Plugin, host StreamHost) *Stream {
	t.Helper()
	s, err := p.Stream(host)
	if err != nil {
		t.Fatalf("stream: %v", err)
	}
	return s
}

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

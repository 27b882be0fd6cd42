package truth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/serve"
)

// patience bounds every wait.
const patience = 40 * time.Second

// world is a directory of manifests and the server that serves it.
type world struct {
	t    *testing.T
	root string // holds the directory, the state and the socket
	name string // of the Gateway, so that its address is its own
	out  *output
	stop context.CancelFunc
	done chan error
	liar *liar
	// known are the addresses that were printed for listeners.
	known sync.Map
	// claims are what the liar looks at.
	claims []claim
	wire   *wire
	// held are ports that another program has.
	held []net.Listener
}

// output collects what the server prints.
type output struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// newWorld writes the files; serve starts it.
func newWorld(t *testing.T, name string, files ...map[string]string) *world {
	t.Helper()
	root, err := os.MkdirTemp("", "truth") // short, for the socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	w := &world{t: t, root: root, name: name, out: &output{}, wire: &wire{}}
	for _, f := range files {
		w.write(f)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.out.String())
		}
	})
	return w
}

func (w *world) dir() string { return filepath.Join(w.root, "d") }

// write puts files in place, all in one rename each; an empty text deletes. $$GW stands for the Gateway's name.
func (w *world) write(files map[string]string) {
	w.t.Helper()
	for name, text := range files {
		path := filepath.Join(w.dir(), name)
		if text == "" {
			if err := os.RemoveAll(path); err != nil {
				w.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			w.t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "$GW", w.name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// serve starts the server, and a client that looks for lies until it ends.
func (w *world) serve() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.stop, w.done = cancel, make(chan error, 1)
	config := serve.Config{
		Dir: w.dir(), Socket: filepath.Join(w.root, "s"), State: filepath.Join(w.root, "state"), Drain: time.Second, Format: serve.FormatText,
		Out: w.out, Log: slog.New(slog.DiscardHandler), Version: "test", Now: time.Now, Wire: w.wire.to,
	}
	go func() { w.done <- serve.Run(ctx, config) }()
	w.t.Cleanup(w.end)
	w.until("the server says who it is", func() bool {
		_, err := w.client().Info(w.t.Context())
		return err == nil
	})
	w.liar = startLiar(w)
}

// end stops the server and waits for it; a second call does nothing.
func (w *world) end() {
	if w.stop == nil {
		return
	}
	w.liar.end()
	w.stop()
	w.stop = nil
	select {
	case <-w.done:
	case <-time.After(patience):
		w.t.Error("the server does not end")
	}
}

// forget takes away what the server kept.
func (w *world) forget() { _ = os.RemoveAll(filepath.Join(w.root, "state")) }

func (w *world) client() *control.Client { return control.NewClient(filepath.Join(w.root, "s")) }

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	w.untilText(func() string { return what }, ok)
}

// untilText says what never happened only when it has not.
func (w *world) untilText(what func() string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			w.t.Fatalf("never: %s", what())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// object is an object as `get -o json` shows it, or nil.
func (w *world) object(kind, namespace, name string) *unstructured.Unstructured {
	list, err := w.client().Objects(context.Background(), control.Query{Kind: kind, Namespace: namespace, Name: name})
	if err != nil || len(list) == 0 {
		return nil
	}
	return list[0]
}

// address is where a listener of the Gateway is reached, host:port: as it is printed now, or as it was when it was Programmed the last time,
// because a listener may go on serving what it does not say any more.
func (w *world) address(listener string) string {
	if at := w.printed(listener); at != "" {
		w.known.Store(listener, at)
	}
	at, _ := w.known.Load(listener)
	text, _ := at.(string)
	return text
}

func (w *world) printed(listener string) string {
	urls, err := w.client().URLs(context.Background())
	if err != nil {
		return ""
	}
	for _, u := range urls {
		if parsed, err := url.Parse(u.URL); err == nil && u.Name == w.name && u.Listener == listener {
			return parsed.Host
		}
	}
	return ""
}

var errNoAddress = errors.New("the listener has no address")

// ask requests a URL whose host is reached at a listener.
func (w *world) ask(listener, target string) (status int, err error) {
	at := w.address(listener)
	if at == "" {
		return 0, errNoAddress
	}
	parsed, err := url.Parse(target)
	if err != nil {
		return 0, err
	}
	tr := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", at)
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: parsed.Hostname()},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return 0, err
	}
	res, err := tr.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// answer is what a request comes to, as text: a status, or an error.
func (w *world) answer(listener, target string) string {
	status, err := w.ask(listener, target)
	if err != nil {
		return "error"
	}
	return fmt.Sprint(status)
}

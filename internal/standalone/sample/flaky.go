package sample

import (
	"net"
	"net/http"
	"strconv"
	"sync"
)

// flaky fails the first ?succeedAfter=N requests of each ?uuid=, after ?delayRetry=DURATION: by resetting the connection,
// or with ?responseCode=STATUS.
type flaky struct {
	mu       sync.Mutex
	attempts map[string]int
	then     http.HandlerFunc
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	failures, err := strconv.Atoi(query.Get("succeedAfter"))
	if err != nil || query.Get("uuid") == "" {
		http.Error(w, "uuid and succeedAfter are required", http.StatusBadRequest)
		return
	}
	if !f.fails(query.Get("uuid"), failures) {
		f.then(w, r)
		return
	}
	if !sleep(r, query.Get("delayRetry")) {
		return
	}
	if code, err := strconv.Atoi(query.Get("responseCode")); err == nil && code >= 200 && code <= 999 {
		w.WriteHeader(code)
		return
	}
	reset(w)
}

// fails counts an attempt that is to fail.
func (f *flaky) fails(id string, failures int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.attempts[id] >= failures {
		return false
	}
	f.attempts[id]++
	return true
}

// reset ends the connection with a TCP reset; over HTTP/2, the stream.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the connection ends all the same
	}
	_ = conn.Close()
}

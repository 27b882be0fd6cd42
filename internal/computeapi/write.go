package computeapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// minZipped is the size from which on a body is worth the trouble.
const minZipped = 1 << 10

// write answers a request. A client that has gone is of no interest.
func (f *Front) write(w http.ResponseWriter, r *http.Request, p parameters, answer any, err error) {
	code := http.StatusOK
	if err != nil {
		code, answer = bodyOf(err, r.URL.Path)
	}
	body, err := f.bodyOf(p, answer, code)
	if err != nil {
		code, answer = bodyOf(err, r.URL.Path)
		body, _ = json.Marshal(answer) // text has JSON
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=UTF-8")
	header.Set("Cache-Control", "private")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Vary", "Accept-Encoding")
	if code == http.StatusOK && r.Method != http.MethodPost && r.Method != http.MethodDelete {
		tag := etag(body)
		header.Set("ETag", tag)
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if len(body) >= minZipped && acceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = zip(body)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// bodyOf is an answer's JSON, as the request wants it. Errors are answered whole.
func (f *Front) bodyOf(p parameters, answer any, code int) ([]byte, error) {
	body, err := f.marshal(answer)
	if err != nil || code != http.StatusOK {
		return body, err
	}
	return p.apply(body, answer)
}

// appendable answers know their JSON.
type appendable interface {
	AppendJSON(b []byte) ([]byte, error)
}

// marshal is an answer's JSON. Google's own structs are few in it, but for the endpoints of a group.
func (f *Front) marshal(answer any) ([]byte, error) {
	if a, ok := answer.(appendable); ok {
		return a.AppendJSON(nil)
	}
	return f.json.Append(nil, answer)
}

func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

func matches(header, tag string) bool {
	return slices.ContainsFunc(strings.Split(header, ","), func(one string) bool {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		return one == tag || one == "*"
	})
}

func acceptsGzip(r *http.Request) bool {
	for _, encoding := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, quality, _ := strings.Cut(strings.ReplaceAll(encoding, " ", ""), ";q=")
		if weight, err := strconv.ParseFloat(quality, 64); strings.EqualFold(name, "gzip") && (err != nil || weight > 0) {
			return true
		}
	}
	return false
}

func zip(body []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return out.Bytes()
}

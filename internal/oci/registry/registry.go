package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// Limits of what is pushed, in bytes.
const (
	DefaultMaxBlob  = 64 << 20
	DefaultMaxTotal = 2 << 30
	maxManifest     = 4 << 20
)

// Options are a registry's.
type Options struct {
	// Dir is where images are kept; empty for memory.
	Dir string
	// Pushed is called when a manifest has come; nil is nobody.
	Pushed func()
	// MaxBlob and MaxTotal replace the defaults.
	MaxBlob, MaxTotal int64
}

// Registry is the handler.
type Registry struct {
	storage           storage
	uploads           uploads
	pushed            func()
	maxBlob, maxTotal int64
}

var _ http.Handler = (*Registry)(nil)

// New makes one.
func New(o Options) (*Registry, error) {
	r := &Registry{maxBlob: o.MaxBlob, maxTotal: o.MaxTotal, uploads: newUploads(), pushed: o.Pushed}
	if r.maxBlob <= 0 {
		r.maxBlob = DefaultMaxBlob
	}
	if r.maxTotal <= 0 {
		r.maxTotal = DefaultMaxTotal
	}
	if o.Dir == "" {
		r.storage = &memory{values: map[string][]byte{}}
		return r, nil
	}
	d, err := newDisk(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot keep pushed images: %w", err)
	}
	r.storage = d
	return r, nil
}

// The kinds of keys: blobs by digest, media types of manifests by repository and digest, digests by repository and tag.
const (
	blobs     = "blobs"
	manifests = "manifests"
	tags      = "tags"
)

var (
	route      = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs/uploads|blobs|tags)/(.*)$`)
	repository = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagName    = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if err := r.serve(w, q); err != nil {
		var p *problem
		if !errors.As(err, &p) {
			p = &problem{http.StatusInternalServerError, "UNKNOWN", err.Error()}
		}
		p.write(w)
	}
}

func (r *Registry) serve(w http.ResponseWriter, q *http.Request) error {
	if q.URL.Path == "/v2/" || q.URL.Path == "/v2" {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	m := route.FindStringSubmatch(q.URL.Path)
	if m == nil {
		return &problem{http.StatusNotFound, "UNSUPPORTED", "there is nothing at " + q.URL.Path}
	}
	name, what, rest := m[1], m[2], m[3]
	if len(name) > 255 || !repository.MatchString(name) {
		return &problem{http.StatusBadRequest, "NAME_INVALID", "the name of the repository is invalid"}
	}
	reading := q.Method == http.MethodGet || q.Method == http.MethodHead
	switch {
	case what == "manifests" && reading:
		return r.getManifest(w, name, rest)
	case what == "manifests" && q.Method == http.MethodPut:
		return r.putManifest(w, q, name, rest)
	case what == "blobs" && reading:
		return r.getBlob(w, rest)
	case what == "tags" && rest == "list" && reading:
		return r.listTags(w, name)
	case what == "blobs/uploads":
		return r.upload(w, q, name, rest)
	}
	return &problem{http.StatusMethodNotAllowed, "UNSUPPORTED", q.Method + " is not offered here"}
}

func (r *Registry) getManifest(w http.ResponseWriter, name, reference string) error {
	sum := reference
	if tagName.MatchString(reference) {
		b, _ := r.storage.read(tags, name, reference)
		sum = string(b)
	}
	mediaType, ok := r.storage.read(manifests, name, sum)
	b, okToo := r.storage.read(blobs, sum)
	if !ok || !okToo {
		return &problem{http.StatusNotFound, "MANIFEST_UNKNOWN", "there is no " + name + ":" + reference}
	}
	send(w, string(mediaType), sum, b)
	return nil
}

func (r *Registry) getBlob(w http.ResponseWriter, sum string) error {
	b, ok := r.storage.read(blobs, sum)
	if !ok {
		return &problem{http.StatusNotFound, "BLOB_UNKNOWN", "there is no blob " + sum}
	}
	send(w, "application/octet-stream", sum, b)
	return nil
}

// send writes a value. net/http leaves the body of an answer to HEAD out.
func send(w http.ResponseWriter, mediaType, sum string, b []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", sum)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}

func (r *Registry) putManifest(w http.ResponseWriter, q *http.Request, name, reference string) error {
	b, err := read(q.Body, maxManifest)
	if err != nil {
		return err
	}
	mediaType, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil {
		return &problem{http.StatusBadRequest, "MANIFEST_INVALID", "the manifest has no media type"}
	}
	sum := digest.FromBytes(b)
	if !tagName.MatchString(reference) {
		if sum, err = checked(reference, b); err != nil {
			return err
		}
	}
	if err := r.complete(b); err != nil {
		return err
	}
	if err := r.keep(sum, b); err != nil {
		return err
	}
	if err := r.storage.write([]byte(mediaType), manifests, name, sum.String()); err != nil {
		return err
	}
	if tagName.MatchString(reference) {
		if err := r.storage.write([]byte(sum), tags, name, reference); err != nil {
			return err
		}
	}
	created(w, "/v2/"+name+"/manifests/"+reference, sum)
	if r.pushed != nil {
		r.pushed()
	}
	return nil
}

// complete reports whether all that a manifest points to is here.
func (r *Registry) complete(b []byte) error {
	type pointer struct {
		Digest string   `json:"digest"`
		URLs   []string `json:"urls"`
	}
	var m struct {
		Config            *pointer
		Layers, Manifests []pointer
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return &problem{http.StatusBadRequest, "MANIFEST_INVALID", "the manifest is no JSON: " + err.Error()}
	}
	all := append(m.Layers, m.Manifests...)
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	for _, p := range all {
		if _, ok := r.storage.read(blobs, p.Digest); !ok && len(p.URLs) == 0 {
			return &problem{http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", "the manifest names " + p.Digest + ", which was not pushed"}
		}
	}
	return nil
}

// keep stores a blob that was checked.
func (r *Registry) keep(sum digest.Digest, b []byte) error {
	if _, ok := r.storage.read(blobs, sum.String()); ok {
		return nil
	}
	if r.storage.size()+int64(len(b)) > r.maxTotal {
		return &problem{http.StatusInsufficientStorage, "DENIED", fmt.Sprintf("the registry is full: it keeps %d bytes", r.maxTotal)}
	}
	return r.storage.write(b, blobs, sum.String())
}

func (r *Registry) listTags(w http.ResponseWriter, name string) error {
	list := r.storage.list(tags, name)
	if len(list) == 0 {
		return &problem{http.StatusNotFound, "NAME_UNKNOWN", "there is no repository " + name}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"name": name, "tags": list})
}

// checked is a digest that a client named, if it is that of the bytes.
func checked(sum string, b []byte) (digest.Digest, error) {
	d, err := digest.Parse(sum)
	if err != nil {
		return "", &problem{http.StatusBadRequest, "DIGEST_INVALID", fmt.Sprintf("%q is no digest: %v", sum, err)}
	}
	if now := d.Algorithm().FromBytes(b); now != d {
		return "", &problem{http.StatusBadRequest, "DIGEST_INVALID", fmt.Sprintf("what came has the digest %s", now)}
	}
	return d, nil
}

func created(w http.ResponseWriter, location string, sum digest.Digest) {
	w.Header().Set("Location", location)
	w.Header().Set("Docker-Content-Digest", sum.String())
	w.WriteHeader(http.StatusCreated)
}

// read reads a body to a limit.
func read(body io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, &problem{http.StatusBadRequest, "SIZE_INVALID", "the body was cut off: " + err.Error()}
	case int64(len(b)) > limit:
		return nil, &problem{http.StatusRequestEntityTooLarge, "SIZE_INVALID", fmt.Sprintf("more than %d bytes are not taken", limit)}
	}
	return b, nil
}

// problem is an answer that says no.
type problem struct {
	status     int
	code, text string
}

func (p *problem) Error() string { return p.text }

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": p.code, "message": strings.TrimSpace(p.text)}}})
}

package registry

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// maxUploads bounds the uploads that are under way; the oldest is dropped for a new one.
const maxUploads = 16

// uploads are blobs of which a part has come.
type uploads struct {
	mu    *sync.Mutex
	parts map[string][]byte
	order []string
}

func newUploads() uploads { return uploads{mu: &sync.Mutex{}, parts: map[string][]byte{}} }

func (u *uploads) begin() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.order) >= maxUploads {
		delete(u.parts, u.order[0])
		u.order = u.order[1:]
	}
	id := rand.Text()
	u.parts[id] = []byte{}
	u.order = append(u.order, id)
	return id
}

// take ends an upload, and has what came of it; put has it go on.
func (u *uploads) take(id string) ([]byte, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	b, ok := u.parts[id]
	delete(u.parts, id)
	u.order = slices.DeleteFunc(u.order, func(o string) bool { return o == id })
	return b, ok
}

func (u *uploads) put(id string, b []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts[id] = b
	u.order = append(u.order, id)
}

// upload serves the requests that bring a blob: in one, or in several of which the first has nothing.
func (r *Registry) upload(w http.ResponseWriter, q *http.Request, name, id string) error {
	sum := q.URL.Query().Get("digest")
	switch {
	case q.Method == http.MethodPost && id == "" && sum == "":
		r.goOn(w, name, r.uploads.begin(), 0)
		return nil
	case q.Method == http.MethodPost && id == "":
		return r.finish(w, q, name, nil, sum)
	case q.Method != http.MethodPatch && q.Method != http.MethodPut:
		return &problem{http.StatusMethodNotAllowed, "UNSUPPORTED", q.Method + " is not offered here"}
	}
	before, ok := r.uploads.take(id)
	if !ok {
		return &problem{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "there is no such upload"}
	}
	if q.Method == http.MethodPut {
		return r.finish(w, q, name, before, sum)
	}
	b, err := read(q.Body, r.maxBlob-int64(len(before)))
	if err != nil {
		return err
	}
	b = append(before, b...)
	r.uploads.put(id, b)
	r.goOn(w, name, id, len(b))
	return nil
}

func (r *Registry) goOn(w http.ResponseWriter, name, id string, have int) {
	w.Header().Set("Location", "/v2/"+name+"/blobs/uploads/"+id)
	w.Header().Set("Docker-Upload-UUID", id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(have-1, 0)))
	w.WriteHeader(http.StatusAccepted)
}

func (r *Registry) finish(w http.ResponseWriter, q *http.Request, name string, before []byte, sum string) error {
	b, err := read(q.Body, r.maxBlob-int64(len(before)))
	if err != nil {
		return err
	}
	b = append(before, b...)
	d, err := checked(sum, b)
	if err != nil {
		return err
	}
	if err := r.keep(d, b); err != nil {
		return err
	}
	created(w, "/v2/"+name+"/blobs/"+d.String(), d)
	return nil
}

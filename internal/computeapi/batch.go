package computeapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
)

const (
	// maxBatch is how many requests Google takes in one.
	maxBatch = 1000
	// maxBatchBody bounds a batch, in bytes.
	maxBatchBody = 16 << 20
)

// batch answers a batch of requests, as gcloud sends them: POST /batch/compute/v1 with a part for each, of type application/http. Each
// is answered as it would be by itself.
func (f *Front) batch(to http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		requests, err := requestsOf(w, r)
		if err != nil {
			f.write(w, r, parameters{}, nil, &Error{Code: http.StatusBadRequest, Reason: "badRequest", Message: "Failed to parse batch request: " + err.Error()})
			return
		}
		parts := multipart.NewWriter(w)
		w.Header().Set("Content-Type", "multipart/mixed; boundary="+parts.Boundary())
		w.Header().Set("Cache-Control", "private")
		// A thousand lists are too much to hold; a client that has gone is of no interest.
		for _, one := range requests {
			answer := httptest.NewRecorder()
			to.ServeHTTP(answer, one.Request)
			if writePart(parts, one.id, answer.Result()) != nil || r.Context().Err() != nil {
				return
			}
		}
		_ = parts.Close()
	}
}

// part is a request of a batch.
type part struct {
	*http.Request
	id string
}

func requestsOf(w http.ResponseWriter, r *http.Request) ([]part, error) {
	kind, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" || options["boundary"] == "" {
		return nil, errors.New("its type is not multipart/mixed with a boundary")
	}
	parts := multipart.NewReader(http.MaxBytesReader(w, r.Body, maxBatchBody), options["boundary"])
	var out []part
	for {
		p, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && len(out) > 0:
			return out, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("it has no parts")
		case err != nil:
			return nil, err
		case len(out) == maxBatch:
			return nil, fmt.Errorf("it has more than %d parts", maxBatch)
		}
		one, err := requestOf(p, r)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", len(out), err)
		}
		out = append(out, one)
	}
}

// requestOf reads a part. Its host is the batch's: that is who was asked.
func requestOf(p *multipart.Part, batch *http.Request) (part, error) {
	if kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); kind != "application/http" {
		return part{}, errors.New("its type is not application/http")
	}
	r, err := readRequest(p)
	if err != nil {
		return part{}, err
	}
	if strings.HasPrefix(r.URL.Path, batchPath) {
		return part{}, errors.New("it is a batch itself")
	}
	r.Host, r.RequestURI = batch.Host, ""
	return part{r.WithContext(batch.Context()), p.Header.Get("Content-Id")}, nil
}

// readRequest reads a request line, a head and a body, which ends with the part, whatever length the head has. gcloud leaves the version out.
func readRequest(from io.Reader) (*http.Request, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	line, rest, _ := strings.Cut(strings.TrimLeft(string(text), "\r\n"), "\n")
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 {
		return nil, fmt.Errorf("its first line is %.100q, not METHOD PATH HTTP/1.1", line)
	}
	reader := bufio.NewReader(strings.NewReader(rest + "\r\n\r\n"))
	head, err := textproto.NewReader(reader).ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(words[0], words[1], bytes.NewReader(bytes.TrimSpace(body)))
	if err != nil {
		return nil, err
	}
	r.Header = http.Header(head)
	return r, nil
}

func writePart(to *multipart.Writer, id string, answer *http.Response) error {
	head := textproto.MIMEHeader{"Content-Type": {"application/http"}}
	if inside, ok := strings.CutPrefix(id, "<"); ok {
		head.Set("Content-Id", "<response-"+inside)
	} else if id != "" {
		head.Set("Content-Id", "response-"+id)
	}
	p, err := to.CreatePart(head)
	if err != nil {
		return err
	}
	return answer.Write(p)
}

// batchPath is what the paths of batches begin with; the version of the API follows.
const batchPath = "/batch/"

package calloutrecord

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"

	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// Recorder passes streams on to a callout and keeps those that are chosen.
type Recorder struct {
	// Dir is where the files go.
	Dir string
	// Callout is who answers.
	Callout grpc.ClientConnInterface
	// Chosen says by the first message whether a stream is kept; nil keeps all.
	Chosen func(*extprocv3.ProcessingRequest) bool
	// Kept, if set, is told of each file.
	Kept func(name string)

	number atomic.Int64
}

// Process stands between one stream and the callout.
func (r *Recorder) Process(down calloutserver.Stream) error {
	ctx, cancel := context.WithCancel(down.Context())
	defer cancel()
	up, err := extprocv3.NewExternalProcessorClient(r.Callout).Process(ctx)
	if err != nil {
		return err
	}
	t := &transcript{}
	go func() {
		for first := true; ; first = false {
			q, err := down.Recv()
			if err != nil {
				_ = up.CloseSend()
				return
			}
			if first {
				t.begin(r.Chosen == nil || r.Chosen(q))
			}
			t.add(Message{Request: q})
			if up.Send(q) != nil {
				return
			}
		}
	}()
	for {
		m, err := up.Recv()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			if keepErr := r.keep(t, err); keepErr != nil && err == nil {
				err = keepErr
			}
			return err
		}
		t.add(Message{Response: m})
		if err := down.Send(m); err != nil {
			return r.keep(t, err)
		}
	}
}

// transcript is a stream so far.
type transcript struct {
	mu   sync.Mutex
	keep bool
	text []byte
}

func (t *transcript) begin(keep bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep = keep
}

func (t *transcript) add(m Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keep {
		t.text = m.append(t.text)
	}
}

// keep writes a stream's file.
func (r *Recorder) keep(t *transcript, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.keep || len(t.text) == 0 {
		return nil
	}
	name := filepath.Join(r.Dir, fmt.Sprintf("%06d.txt", r.number.Add(1)))
	if err := os.WriteFile(name, fmt.Appendf(t.text, "%s %s\n", ended, codeName(err)), 0o600); err != nil {
		return err
	}
	if r.Kept != nil {
		r.Kept(name)
	}
	return nil
}

// Having chooses streams whose request has a field, with the value if that is not empty. The name may be a pseudo-header's.
func Having(name, value string) func(*extprocv3.ProcessingRequest) bool {
	return func(q *extprocv3.ProcessingRequest) bool {
		for _, h := range q.GetRequestHeaders().GetHeaders().GetHeaders() {
			if strings.EqualFold(h.GetKey(), name) && (value == "" || string(h.GetRawValue()) == value || h.GetValue() == value) {
				return true
			}
		}
		return false
	}
}

package calloutrecord

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/spillway-lb/spillway/internal/grpccode"
)

const (
	toCallout   = "-->"
	fromCallout = "<--"
	ended       = "<=="
)

// Exchange is one stream as it went.
type Exchange struct {
	Messages []Message
	// Status is how the callout ended the stream.
	Status codes.Code
}

// Message is one of the proxy's or of the callout's: the other is nil.
type Message struct {
	Request  *extprocv3.ProcessingRequest
	Response *extprocv3.ProcessingResponse
}

var text = prototext.MarshalOptions{Multiline: true, Indent: "  "}

// append writes a message.
func (m Message) append(b []byte) []byte {
	var p proto.Message = m.Request
	mark, what := toCallout, fmt.Sprintf("%T", m.Request.GetRequest())
	if m.Response != nil {
		p, mark, what = m.Response, fromCallout, fmt.Sprintf("%T", m.Response.GetResponse())
	}
	what = what[strings.LastIndexByte(what, '_')+1:]
	if what == "<nil>" {
		what = "nothing"
	}
	b = fmt.Appendf(b, "%s %s\n", mark, what)
	return append(b, text.Format(p)...)
}

// Read reads a file.
func Read(name string) (*Exchange, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	x, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return x, nil
}

func parse(b []byte) (*Exchange, error) {
	x := &Exchange{}
	var mark string
	var begun int
	var body bytes.Buffer
	flush := func() error {
		defer body.Reset()
		var err error
		switch mark {
		case toCallout:
			m := &extprocv3.ProcessingRequest{}
			err = prototext.Unmarshal(body.Bytes(), m)
			x.Messages = append(x.Messages, Message{Request: m})
		case fromCallout:
			m := &extprocv3.ProcessingResponse{}
			err = prototext.Unmarshal(body.Bytes(), m)
			x.Messages = append(x.Messages, Message{Response: m})
		}
		if err != nil {
			return fmt.Errorf("the message of line %d: %w", begun, err)
		}
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case toCallout, fromCallout, ended:
			if err := flush(); err != nil {
				return nil, err
			}
			mark, begun = word, n
			if word == ended {
				if err := x.Status.UnmarshalJSON(fmt.Appendf(nil, "%q", rest)); err != nil {
					return nil, fmt.Errorf("line %d: %w", n, err)
				}
			}
		default:
			if mark == "" || mark == ended {
				return nil, fmt.Errorf("line %d: no message begins there; write %q or %q first", n, toCallout, fromCallout)
			}
			body.WriteString(line + "\n")
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return x, flush()
}

// codeName is the name of a status that UnmarshalJSON reads.
func codeName(err error) string {
	if c := grpccode.Code(status.Code(err)); c.Known() {
		return c.String()
	}
	return grpccode.Unknown.String()
}

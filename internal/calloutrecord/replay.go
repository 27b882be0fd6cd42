package calloutrecord

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Replay plays a stream to a callout, which is sent a message when it has said as much as the one before had until then, and
// returns what it says differently. within bounds the wait for each of its messages.
func Replay(ctx context.Context, callout grpc.ClientConnInterface, x *Exchange, within time.Duration) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := extprocv3.NewExternalProcessorClient(callout).Process(ctx)
	if err != nil {
		return nil, err
	}
	var differences []string
	said := 0
	for _, m := range x.Messages {
		if m.Request != nil {
			if err := s.Send(m.Request); err != nil {
				break // what is received says why
			}
			continue
		}
		said++
		late := time.AfterFunc(within, cancel)
		got, err := s.Recv()
		inTime := late.Stop()
		switch {
		case !inTime:
			return append(differences, fmt.Sprintf("message %d: nothing came within %v", said, within)), nil
		case err != nil:
			return append(differences, fmt.Sprintf("message %d: the stream ended: %s", said, codeName(eof(err)))), nil
		case !proto.Equal(got, m.Response):
			differences = append(differences, fmt.Sprintf("message %d:\n%s", said, difference(m.Response, got)))
		}
	}
	return differences, nil
}

// eof makes the end of a stream no error.
func eof(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// difference has the lines that only one of two messages has.
func difference(before, now *extprocv3.ProcessingResponse) string {
	a, b := lines(before), lines(now)
	var out strings.Builder
	for _, l := range a {
		if !take(&b, l) {
			fmt.Fprintf(&out, "- %s\n", l)
		}
	}
	a = lines(before)
	for _, l := range lines(now) {
		if !take(&a, l) {
			fmt.Fprintf(&out, "+ %s\n", l)
		}
	}
	return out.String()
}

func lines(m *extprocv3.ProcessingResponse) []string {
	// The text format puts one space or two behind a colon, by chance of the build.
	s := strings.ReplaceAll(text.Format(m), ":  ", ": ")
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// take removes a line.
func take(list *[]string, l string) bool {
	for i, at := range *list {
		if at == l {
			*list = append((*list)[:i:i], (*list)[i+1:]...)
			return true
		}
	}
	return false
}

package grpchealth

import (
	"io"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
)

// Codes of gRPC.
const (
	codeInvalidArgument = "3"
	codeNotFound        = "5"
)

// Answer answers a Check: whether a service is serving, by its name, "" for the server as a whole. One that is not known is
// NOT_FOUND.
func Answer(w http.ResponseWriter, r *http.Request, status func(service string) (serving, known bool)) {
	w.Header().Set("Content-Type", "application/grpc")
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMessage))
	if err != nil {
		w.Header().Set("Grpc-Status", codeInvalidArgument)
		return
	}
	name, err := asked(body)
	if err != nil {
		w.Header().Set("Grpc-Status", codeInvalidArgument)
		w.Header().Set("Grpc-Message", err.Error())
		return
	}
	serving, known := status(name)
	if !known {
		w.Header().Set("Grpc-Status", codeNotFound)
		w.Header().Set("Grpc-Message", "unknown service")
		return
	}
	value := uint64(2)
	if serving {
		value = 1
	}
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(frame(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), value)))
	w.Header().Set("Grpc-Status", "0")
}

// asked reads HealthCheckRequest.service, field 1.
func asked(body []byte) (string, error) {
	name := ""
	err := eachFirst(body, protowire.BytesType, func(rest []byte) int {
		b, n := protowire.ConsumeBytes(rest)
		name = string(b)
		return n
	})
	return name, err
}

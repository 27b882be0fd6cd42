package sample

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/spillway-lb/spillway/internal/grpchealth"
)

const echoServer = "echo.EchoServer"

// grpcApp is salrashid123/grpc_app without TLS: echo.EchoServer/SayHello and the health protocol at -grpcport.
func grpcApp(pod Pod, c Container) (*Backend, error) {
	listen := c.flag("grpcport", "0.0.0.0:50051")
	port, err := parsePort("grpcport", listen[strings.LastIndexByte(listen, ':')+1:])
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(grpchealth.Path, func(w http.ResponseWriter, r *http.Request) {
		grpchealth.Answer(w, r, func(service string) (serving, known bool) { return true, service == "" || service == echoServer })
	})
	mux.HandleFunc("/"+echoServer+"/SayHello", func(w http.ResponseWriter, r *http.Request) { sayHello(w, r, pod.Name) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		grpcFail(w, grpcUnimplemented, "unknown method "+r.URL.Path)
	})
	return &Backend{Ports: []uint16{port}, Handler: mux}, nil
}

// sayHello answers an EchoRequest, whose field 1 is a name, by an EchoReply, whose field 1 is the message.
func sayHello(w http.ResponseWriter, r *http.Request, pod string) {
	w.Header().Set("Content-Type", "application/grpc")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxGRPCMessage))
	if err != nil || len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		grpcFail(w, grpcInvalidArgument, "one message without compression is wanted")
		return
	}
	message := appendText(nil, 1, "Hello "+firstText(body[5:])+" from hostname "+pod)
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...))
	w.Header().Set("Grpc-Status", "0")
}

// firstText is field 1 of a message, "" if it is not there or the message is none.
func firstText(b []byte) string {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return ""
		}
		b = b[n:]
		if number == 1 && kind == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(b)
			return string(text)
		}
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return ""
		}
		b = b[n:]
	}
	return ""
}

// healthTimeout is how long grpc_health_proxy waits for its server.
const healthTimeout = time.Second

// grpcHealthProxy is salrashid123/grpc_health_proxy without TLS: over HTTP it says what the gRPC server beside it says of its
// health. localhost is the Pod's own address.
func grpcHealthProxy(pod Pod, c Container) (*Backend, error) {
	for _, name := range []string{"grpctls", "https-listen-cert", "https-listen-key"} {
		if value := c.flag(name, ""); value != "" && value != "false" {
			return nil, unsupportedVariable("grpc_health_proxy", "--"+name)
		}
	}
	listen := c.flag("http-listen-addr", "localhost:8080")
	port, err := parsePort("http-listen-addr", listen[strings.LastIndexByte(listen, ':')+1:])
	if err != nil {
		return nil, err
	}
	at := c.flag("grpcaddr", "localhost:50051")
	for _, own := range []string{"localhost:", "127.0.0.1:", "0.0.0.0:", ":"} {
		if rest, ok := strings.CutPrefix(at, own); ok {
			at = pod.IP + ":" + rest
			break
		}
	}
	transport := &http.Transport{DisableKeepAlives: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	question := grpchealth.Question{
		URL: &url.URL{Scheme: "http", Host: at}, Service: c.flag("service-name", ""), UserAgent: "grpc_health_proxy",
	}
	mux := http.NewServeMux()
	path := c.flag("http-listen-path", "/")
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
		defer cancel()
		detail, err := grpchealth.Check(ctx, transport, question)
		if err != nil {
			answer(w, http.StatusBadGateway, err.Error()+"\n")
			return
		}
		answer(w, http.StatusOK, question.Service+" "+strings.TrimPrefix(detail, "gRPC ")+"\n")
	})
	return &Backend{Ports: []uint16{port}, Handler: mux}, nil
}

// Package sample holds the well-known container images of tutorials as HTTP handlers, so that a directory of manifests
// answers real requests without a container runtime.
//
// In: an image's name, the Pod it runs in, the container's environment and arguments. Out: a handler and the ports that
// the real image would listen on. Images are known by their last path element, whatever the registry, tag or digest;
// arguments and variables that the real ones obey are obeyed.
//
//	program, known := sample.Find("us-docker.pkg.dev/google-samples/containers/gke/whereami:v1.2.20")
//	backend, err := program(pod, sample.Container{Env: env})
//	http.Serve(listener, backend.Handler)
package sample

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Pod is what a program can learn of where it runs.
type Pod struct {
	Name      string
	Namespace string
	IP        string
	Node      string
	Zone      string
	Cluster   string
	Project   string
}

// Container is how a program is started.
type Container struct {
	Image string
	// Args are the container's command and arguments.
	Args []string
	Env  map[string]string
	// Files are the contents of the container's volumes by absolute path.
	Files map[string][]byte
	// Now is the clock of programs that tell the time.
	Now func() time.Time
	// Output takes what the program prints; nil drops it.
	Output io.Writer
}

func (c Container) output() io.Writer {
	if c.Output == nil {
		return io.Discard
	}
	return c.Output
}

// Backend is a program that runs.
type Backend struct {
	Ports   []uint16
	Handler http.Handler
	// Stream serves the connections of a program that speaks something else than HTTP, in the place of Handler. It returns when
	// one has ended.
	Stream func(net.Conn)
	// TLS has the ports that speak TLS; they agree on HTTP/2 or HTTP/1.1.
	TLS map[uint16]*tls.Config
	// Exit receives the exit status of a program that ends by itself; nil if it never does.
	Exit <-chan int
	// Ends is set if the program does nothing but end after a while.
	Ends *Outcome
	// OnTerm hears of SIGTERM and says what the program does then; nil finishes requests in flight, and ends.
	OnTerm func() Term
}

// Term is what a program does when it is asked to end.
type Term uint8

const (
	// TermFinish ends it when the requests in flight are answered.
	TermFinish Term = iota
	// TermIgnore serves on until it is killed.
	TermIgnore
	// TermQuit ends it at once, and cuts what is in flight.
	TermQuit
)

// Program starts a container of an image.
type Program func(Pod, Container) (*Backend, error)

// Find returns the program of an image. The namespace of test-app is part of its name; of the others only the last
// element of the path counts.
func Find(image string) (Program, bool) {
	path := Repository(image)
	if path == "spillway/test-app" || strings.HasSuffix(path, "/spillway/test-app") {
		return testApp, true
	}
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case "whereami":
		return whereami, true
	case "hello-app":
		return helloApp, true
	case "hello-app-tls":
		return helloAppTLS, true
	case "gb-frontend":
		return guestbookFrontend, true
	case "redis", "gb-redis-follower":
		return redis, true
	case "serve_hostname", "serve-hostname":
		return serveHostname, true
	case "agnhost":
		return agnhost, true
	case "echo-basic", "echoserver":
		return echoBasic, true
	case "grpc_app":
		return grpcApp, true
	case "grpc_health_proxy":
		return grpcHealthProxy, true
	case "http-echo":
		return httpEcho, true
	case "nginx":
		return nginx, true
	case "http-https-echo":
		return httpsEcho, true
	case "fake-service":
		return fakeService, true
	case "busybox", "alpine":
		return busybox, true
	case "python-example-basic":
		return calloutBasic, true
	}
	return nil, false
}

// Names lists the images that Find knows.
func Names() []string {
	return []string{
		"agnhost", "alpine", "busybox", "echo-basic", "echoserver", "fake-service", "gb-frontend", "gb-redis-follower", "grpc_app",
		"grpc_health_proxy", "hello-app", "hello-app-tls", "http-echo",
		"http-https-echo", "nginx", "python-example-basic", "redis", "serve_hostname",
		"spillway/test-app", "whereami",
	}
}

// Repository is an image without tag and digest.
func Repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

// tag is an image's tag, "" if it has none.
func tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[colon+1:]
	}
	return ""
}

// envPort reads a port from a variable.
func (c Container) envPort(name string, otherwise uint16) (uint16, error) {
	if c.Env[name] == "" {
		return otherwise, nil
	}
	return parsePort(name, c.Env[name])
}

// flag returns the value of -NAME or --NAME, given as -NAME=VALUE or -NAME VALUE.
func (c Container) flag(name, otherwise string) string {
	value := otherwise
	for i, arg := range c.Args {
		key, v, joined := strings.Cut(arg, "=")
		if !strings.HasPrefix(key, "-") || strings.TrimLeft(key, "-") != name {
			continue
		}
		switch {
		case joined:
			value = v
		case i+1 < len(c.Args):
			value = c.Args[i+1]
		}
	}
	return value
}

// errPort is what a program says of a port that is none.
var errPort = errors.New("not a port")

func parsePort(what, text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s %q: %w", what, text, errPort)
	}
	return uint16(n), nil
}

// text answers with a constant.
func text(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write([]byte(body))
}

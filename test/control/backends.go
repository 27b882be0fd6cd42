package main

import (
	"net"
	"net/http"
	"strconv"
)

// startBackends serves on n loopback ports; each answer names its port.
func startBackends(n int) (ports []int, stop func(), err error) {
	var servers []*http.Server
	stop = func() {
		for _, s := range servers {
			s.Close()
		}
	}
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			stop()
			return nil, nil, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-backend", strconv.Itoa(port))
		})}
		servers, ports = append(servers, s), append(ports, port)
		go s.Serve(l) // ends with Close
	}
	return ports, stop, nil
}

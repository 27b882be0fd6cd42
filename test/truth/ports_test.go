package truth_test

import (
	"context"
	"net"
	"strings"
)

// hold takes a port of the Gateway's address, as another program would have it, until it is released.
func (w *world) hold(listener, port string) {
	w.t.Helper()
	host, _, err := net.SplitHostPort(w.address(listener))
	if err != nil {
		w.t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(host, port))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ln.Close() })
	w.held = append(w.held, ln)
}

func (w *world) release() {
	for _, ln := range w.held {
		_ = ln.Close()
	}
	w.held = nil
}

// withOwn is the Gateway with one more listener, its port and who may attach to it.
func withOwn(port, from string) string {
	return gateway + "  - {name: own, protocol: HTTP, port: " + port + ", allowedRoutes: {namespaces: {from: " + from + "}}}\n"
}

// onOwn is route r on that listener.
func onOwn(rules string) string {
	return strings.Replace(route("r", "r.test", rules), "name: $GW}", "name: $GW, sectionName: own}", 1)
}

// portFaults are ports that somebody else has: the listener is served on another one, says so, and moves when its own comes free.
func portFaults() []fault {
	taken := func(name string, held ...string) fault {
		return fault{
			name: name, object: "Gateway/$GW", want: []string{"own Programmed=True", "instead of port 8081", "address already in use"}, live: "200", listener: "own",
			early: func(w *world) {
				for _, port := range held {
					w.hold("http", port)
				}
			},
			before: map[string]string{"gateway.yaml": withOwn("8082", "All"), "r.yaml": onOwn(toApp)},
			fault:  map[string]string{"gateway.yaml": withOwn("8081", "All")},
			mend: func(w *world) {
				w.release()
				w.until("the listener has its own port, and nothing to say", func() bool {
					gateway := &fault{object: "Gateway/$GW"}
					return strings.HasSuffix(w.printed("own"), ":8081") && w.said(gateway, []string{"own Programmed=True"}) &&
						!w.said(gateway, []string{"instead of port"}) && w.answer("own", "http://r.test/") == "200"
				})
			},
		}
	}
	return []fault{
		taken("a port that another program has", "8081"),
		taken("a port that another program has, and the one that would take its place", "8081", "18081"),
	}
}

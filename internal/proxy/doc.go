// Package proxy is the Go data plane: it serves the load balancer model.
//
// In: transactions of the model (Update), from a file, from the control plane in the same process, or from afar. Out:
// bound sockets that answer requests (Bound tells which), access logs, metrics, traces.
//
//	p := proxy.New(proxy.Config{Location: config.Location{Region: "us-west1"}, Logger: log})
//	err := p.Update(tx)      // *config.Refused: nothing has changed
//	for _, b := range p.Bound() { fmt.Println(b) }
//	...
//	err = p.Drain(ctx)       // no new connections; the old ones end with their requests
//
// Update compiles, binds what is new, swaps the root that requests start on, and lets go of what is gone. Requests and
// connections under way never notice.
package proxy

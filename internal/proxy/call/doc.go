// Package call is one request to a backend service: an endpoint is chosen, a connection taken, the request sent, the head
// of the answer read.
//
// In: a version of a backend service (balance.Service) with what finds its TLS material, and what sends the request on a stream (Sender). Out:
// an open upstream.Stream whose answer's head has been read, or why there is none. Attempts of exchanges, mirrors, and
// callouts of filters are calls: they differ in what they send and how long they wait, not in how a backend is reached.
//
//	c := call.Call{Service: caller.Service(material, service)}
//	err := c.Choose(service, &pick)          // balance.ErrNoEndpoint: nothing to call
//	err = caller.Open(&c, sender, waiting, service)
//	... the answer's body ...
//	c.Close()
package call

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
//
// Ask reads an answer whole, for who wants no stream:
//
//	reply, err := caller.Ask(ctx, &call.Question{Version: v, Service: service, Request: &head, Body: body, Limit: limit})
//
// A callout's stream is a call whose bytes go both ways while it lives (Stream). Each message has a deadline of its own,
// the stream has none but its context's end:
//
//	s, err := caller.OpenStream(ctx, &call.Opening{Version: v, Service: service, Request: &head})
//	due := s.Await(timeout)                  // an answer to this message is due
//	err = s.Send(message)
//	p, err := s.Receive()                    // err is a *Failure: its Cause tells TCP, TLS, HTTP/2, status and time apart
//	s.Answered(due)
//	s.Close()
package call

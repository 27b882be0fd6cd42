package plugin

import "time"

// Answer is what an upstream has said; Status is 0 if nothing came, in time or at all.
type Answer struct {
	Status int
	Header Headers
	Body   []byte
}

// waiting is a request that waits for an answer.
type waiting struct {
	stream uint32
	then   func(Headers, Answer)
}

var (
	calls   = map[uint32]waiting{}
	current uint32 // the stream whose RequestHeaders runs
)

const (
	mapCall    = 6
	bufferCall = 4
)

// Call asks an upstream of the GCPWasmPlugin (spec.upstreams), by its name. It is for RequestHeaders: the request waits until then has
// been called with its head and the answer, and goes on unless then replies. false: it cannot be asked, and then is not called.
// head has :method, :path and :authority among its fields.
func Call(upstream string, head []Field, body []byte, timeout time.Duration, then func(request Headers, a Answer)) bool {
	var id uint32
	if hostCall(upstream, text(encode(head)), text(body), "", uint32(timeout.Milliseconds()), &id) != 0 {
		return false
	}
	calls[id] = waiting{current, then}
	return true
}

// answered is told of an answer, which is no stream's until one is entered.
func answered(id, fields, size uint32) {
	w, found := calls[id]
	if !found {
		return
	}
	delete(calls, id)
	a := Answer{Header: Headers{mapCall}}
	if fields > 0 {
		status, _ := a.Header.Get(":status")
		a.Status, a.Body = number(status), Body{bufferCall, size}.Bytes()
	}
	hostEnter(w.stream)
	replied = false
	if w.then(Headers{mapRequest}, a); !replied {
		hostContinue(0)
	}
}

// number is 0 for what is none.
func number(text string) (n int) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

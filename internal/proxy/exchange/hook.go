package exchange

import (
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Hooks stand between the phases. Each slot may be nil, and a proxy without hooks has a nil *Hooks: that is all they cost
// then. A hook that waits simply blocks; bodies are wrapped as pull sources, so back-pressure passes through.
type Hooks struct {
	// PreRoute sees the request before it is routed, and may change authority, path, method and headers.
	PreRoute func(x *Exchange, req *message.Request) *LocalAnswer
	// Traffic sees the request as the backend will get it, may change it and wrap its body. Asked once, before the first
	// attempt.
	Traffic func(x *Exchange, req *message.Request) *LocalAnswer
	// Answer sees the answer before anything else on the way back, and may change it and wrap its body.
	Answer func(x *Exchange, res *message.Response) *LocalAnswer
}

// LocalAnswer ends an exchange in any phase.
type LocalAnswer struct {
	Status int
	Header header.Map
	Body   []byte
}

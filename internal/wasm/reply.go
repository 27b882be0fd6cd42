package wasm

// LocalReply is the error of a callback in which the guest has answered by itself.
type LocalReply struct {
	Status  int
	Details string
	Headers Pairs
	Body    []byte
	// GRPCStatus is for callers that speak gRPC; -1 is none.
	GRPCStatus int
}

func (*LocalReply) Error() string { return "the plugin answered by itself" }

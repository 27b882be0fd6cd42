package extension

import "errors"

// LocalReply is an error that a filter returns, or lets a body return, to answer instead of going on.
type LocalReply struct {
	// Status is 200 to 599; another becomes 500.
	Status int
	// Header is added to the answer. What is invalid, or the codec's own, is left out.
	Header []Field
	// Body may be nil.
	Body []byte
	// GRPCStatus is for callers that speak gRPC; 0 follows from Status.
	GRPCStatus int
}

// Field is a header field.
type Field struct{ Name, Value string }

func (r *LocalReply) Error() string { return "extension: local reply" }

// Why a setter refused. A message is as it was then.
var (
	// ErrForbidden: no filter of this kind may change that. Callouts and plugins go on as if they had not asked.
	ErrForbidden = errors.New("extension: must not be changed")
	// ErrInvalid: the bytes have no place in HTTP.
	ErrInvalid = errors.New("extension: invalid")
	// ErrLate: the message is on its way.
	ErrLate = errors.New("extension: the message is on its way")
)

// ErrEnded is what a body's source says when the exchange is over.
var ErrEnded = errors.New("extension: the exchange has ended")

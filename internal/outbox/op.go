package outbox

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/store"
)

// Verb is what is asked of an API server.
type Verb string

const (
	// Create posts Object.
	Create Verb = "create"
	// Replace puts Object.
	Replace Verb = "update"
	// Patch and PatchStatus send Body; the latter to the status subresource.
	Patch       Verb = "patch"
	PatchStatus Verb = "patch_status"
	// Delete deletes the object of UID.
	Delete Verb = "delete"
	// Read gets the object: its answer is what the next write is based on.
	Read Verb = "get"
)

// Op is one request. Nobody changes it.
type Op struct {
	Ref  store.Ref
	Verb Verb
	// Object is to be created, or to take another one's place; else it is an object of the type that the answer has.
	Object store.Object
	UID    types.UID
	// Body is a patch of Type.
	Body []byte
	Type types.PatchType

	// want is what it makes true, whatever it is based on.
	want string
}

// signature is the same for requests that ask for the same.
func (op *Op) signature() string {
	want := op.want
	if op.Verb == Create {
		want = textOf(op.Object)
	}
	return string(op.Verb) + " " + string(op.UID) + " " + want
}

// Class is how a request ended.
type Class uint8

const (
	OK Class = iota
	// Conflict: somebody else has written since.
	Conflict
	// Gone: there is no such object.
	Gone
	// Exists: there is one already.
	Exists
	// NoNamespace: it is not there, or on its way out.
	NoNamespace
	// Unserved: the API server has no such kind (yet).
	Unserved
	// Invalid: the API server will not have it as it is.
	Invalid
	// Forbidden: the API server lets somebody else do it.
	Forbidden
	// Busy: the API server asks for a pause.
	Busy
	// Unreachable: there is no API server.
	Unreachable
	// Failed is anything else.
	Failed
)

// String is the class as metrics have it.
func (c Class) String() string {
	return [...]string{
		"ok", "conflict", "not_found", "already_exists", "no_namespace", "unserved", "invalid", "forbidden", "busy", "unreachable", "failed",
	}[c]
}

// Result is the answer to an Op.
type Result struct {
	Class Class
	// Object is what the API server has now, nil if it did not say.
	Object store.Object
	// After is the pause that the API server asks for.
	After time.Duration
	// Text is what it said.
	Text string
}

package callout

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// fields is what a mutation changes: a message's fields, with its pseudo-headers.
type fields interface {
	Get(name string) ([]byte, bool)
	Set(name string, value []byte) error
	Add(name string, value []byte) error
	Del(name string) error
	// pseudo sets a pseudo-header; has reports whether the message has it.
	pseudo(name string, value []byte) error
	has(name string) bool
}

// maxMutations bounds what one answer may set or remove.
const maxMutations = 1000

// mutate applies a mutation: removals first. What an extension of this kind must not change is left as it is. What has no
// place in HTTP is an error, and is found before anything is changed, but for a value of one of several pseudo-headers.
func mutate(f fields, m *extprocv3.HeaderMutation) error {
	if n := max(len(m.GetSetHeaders()), len(m.GetRemoveHeaders())); n > maxMutations {
		return fmt.Errorf("a mutation of %d fields, more than %d", n, maxMutations)
	}
	if err := check(m); err != nil {
		return err
	}
	for _, o := range m.GetSetHeaders() {
		if name := nameOf(o); isPseudo(name) {
			if err := allowed(setPseudo(f, name, valueOf(o), o)); err != nil {
				return fmt.Errorf("set_headers %q: %w", name, err)
			}
		}
	}
	for _, name := range m.GetRemoveHeaders() {
		if isPseudo(name) {
			continue // a message has its pseudo-headers
		}
		if err := allowed(f.Del(name)); err != nil {
			return fmt.Errorf("remove_headers %q: %w", name, err)
		}
	}
	for _, o := range m.GetSetHeaders() {
		if name := nameOf(o); o.GetHeader() != nil && !isPseudo(name) {
			if err := allowed(set(f, name, valueOf(o), o)); err != nil {
				return fmt.Errorf("set_headers %q: %w", name, err)
			}
		}
	}
	return nil
}

// check says which name or value has no place in HTTP.
func check(m *extprocv3.HeaderMutation) error {
	for _, name := range m.GetRemoveHeaders() {
		if !field.ValidName(strings.ToLower(strings.TrimPrefix(name, ":"))) {
			return fmt.Errorf("remove_headers %q: %w", name, extension.ErrInvalid)
		}
	}
	for _, o := range m.GetSetHeaders() {
		name := nameOf(o)
		switch {
		case o.GetHeader() == nil:
		case !field.ValidName(strings.TrimPrefix(name, ":")), !field.ValidValue(valueOf(o)):
			return fmt.Errorf("set_headers %q: %w", name, extension.ErrInvalid)
		}
	}
	return nil
}

func isPseudo(name string) bool { return strings.HasPrefix(name, ":") }

func nameOf(o *corev3.HeaderValueOption) string { return strings.ToLower(o.GetHeader().GetKey()) }

// valueOf: only raw_value counts.
func valueOf(o *corev3.HeaderValueOption) []byte {
	return bytes.Trim(o.GetHeader().GetRawValue(), " \t")
}

// allowed makes what is forbidden none of the callout's business.
func allowed(err error) error {
	if errors.Is(err, extension.ErrForbidden) {
		return nil
	}
	return err
}

// setPseudo obeys one option for a pseudo-header, of which a message has one.
func setPseudo(f fields, name string, value []byte, o *corev3.HeaderValueOption) error {
	if o.GetAppendAction() == corev3.HeaderValueOption_ADD_IF_ABSENT && f.has(name) {
		return nil
	}
	return f.pseudo(name, value)
}

// set obeys one option.
func set(f fields, name string, value []byte, o *corev3.HeaderValueOption) error {
	_, there := f.Get(name)
	switch action := o.GetAppendAction(); {
	case action == corev3.HeaderValueOption_ADD_IF_ABSENT && there, action == corev3.HeaderValueOption_OVERWRITE_IF_EXISTS && !there:
		return nil
	case appends(o):
		return f.Add(name, value)
	}
	return f.Set(name, value)
}

// appends: the older field `append` wins where it is set. Without either, the action is the zero value, by which servers mean
// that the field be set: so does Envoy's ext_proc filter.
func appends(o *corev3.HeaderValueOption) bool {
	//lint:ignore SA1019 servers set the older field
	return o.GetAppendAction() == corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD && o.GetAppend().GetValue()
}

// requestFields are those of a request.
type requestFields struct{ *extension.Request }

func (q requestFields) pseudo(name string, value []byte) error {
	switch name {
	case ":method":
		return q.SetMethod(value)
	case ":scheme":
		return q.SetScheme(value)
	case ":authority":
		return q.SetAuthority(value)
	case ":path":
		return q.SetPath(value)
	}
	return extension.ErrInvalid
}

func (q requestFields) has(name string) bool {
	switch name {
	case ":method", ":scheme", ":path":
		return true
	}
	return name == ":authority" && len(q.Authority()) > 0
}

// Get is that of a field. A request's host is its authority.
func (q requestFields) Get(name string) ([]byte, bool) {
	if name == "host" {
		return q.Authority(), q.has(":authority")
	}
	return q.Request.Get(name)
}

func (requestFields) bodiless() bool { return false }

// responseFields are those of an answer.
type responseFields struct{ *extension.Response }

func (r responseFields) pseudo(name string, value []byte) error {
	status, err := strconv.Atoi(string(value))
	if name != ":status" || err != nil {
		return extension.ErrInvalid
	}
	return r.SetStatus(status)
}

func (responseFields) has(name string) bool { return name == ":status" }

func (r responseFields) bodiless() bool { return !message.HasBody(false, r.Status()) }

// trailerFields have no pseudo-headers.
type trailerFields struct{ *extension.Fields }

func (trailerFields) pseudo(string, []byte) error { return extension.ErrInvalid }

func (trailerFields) has(string) bool { return false }

// reply makes a local reply of an immediate response.
func reply(m *extprocv3.ImmediateResponse) *extension.LocalReply {
	r := &extension.LocalReply{Status: int(m.GetStatus().GetCode()), Body: m.GetBody(), GRPCStatus: int(m.GetGrpcStatus().GetStatus())}
	if r.Status < 200 {
		r.Status = 200 // as with Envoy, where none is said or none that is final
	}
	for _, o := range m.GetHeaders().GetSetHeaders() {
		name := nameOf(o)
		f := extension.Field{Name: name, Value: string(valueOf(o))}
		if i := indexField(r.Header, name); i >= 0 && !appends(o) {
			if o.GetAppendAction() != corev3.HeaderValueOption_ADD_IF_ABSENT {
				r.Header[i] = f
			}
			continue
		}
		r.Header = append(r.Header, f)
	}
	return r
}

func indexField(list []extension.Field, name string) int {
	for i := range list {
		if list[i].Name == name {
			return i
		}
	}
	return -1
}

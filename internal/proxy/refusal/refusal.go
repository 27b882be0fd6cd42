// Package refusal says which field of a resource cannot be obeyed. The compilers of the proxy return its errors, and what
// makes resources tells its users by them which of their own fields it is.
//
//	return refusal.Errorf("status", "%d is not a redirect", status)
//	return refusal.At("redirect", err) // redirect.status: 200 is not a redirect
package refusal

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a field that cannot be obeyed.
type Error struct {
	// Path is the field as the lb model names it, such as request_headers.set[0]; "" is all of it.
	Path string
	// Text is what is wrong.
	Text string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Text
	}
	return e.Path + ": " + e.Text
}

// Errorf is an error of a field.
func Errorf(path, format string, args ...any) error {
	return &Error{path, fmt.Sprintf(format, args...)}
}

// At puts an error below a field; nil stays nil.
func At(path string, err error) error {
	if err == nil {
		return nil
	}
	below := Of(err)
	switch {
	case below.Path == "":
	case strings.HasPrefix(below.Path, "["):
		path += below.Path
	default:
		path += "." + below.Path
	}
	return &Error{path, below.Text}
}

// Item is an element of a repeated field.
func Item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// Of reads an error; one that names no field has the path "".
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Text: err.Error()}
}

package oci

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Reason is the class of an error.
type Reason string

// The reasons.
const (
	Invalid      Reason = "Invalid"      // the image has no name that can be read
	NotFound     Reason = "NotFound"     // there is no such image
	Unauthorized Reason = "Unauthorized" // the registry wants other credentials
	Unreachable  Reason = "Unreachable"  // nothing answered, or with an error of its own
	Malformed    Reason = "Malformed"    // what came is no image, or not what its digest says
	NoFile       Reason = "NoFile"       // the image does not have the file
	TooLarge     Reason = "TooLarge"     // the image or the file is over a limit
)

// Error says why there is no file.
type Error struct {
	Image  string
	Reason Reason
	// Text is a sentence without the image's name.
	Text string
	// Err is the cause, if there is one.
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("image %s: %s", e.Image, e.Text) }

func (e *Error) Unwrap() error { return e.Err }

// failure is an Error before the image's name is known.
func failure(reason Reason, format string, args ...any) *Error {
	e := &Error{Reason: reason}
	err := fmt.Errorf(format, args...)
	e.Text, e.Err = err.Error(), errors.Unwrap(err)
	return e
}

// worded makes an *Error of whatever a source says.
func worded(image Image, err error) error {
	var e *Error
	if errors.As(err, &e) {
		named := *e
		named.Image = image.String()
		return &named
	}
	return &Error{Image: image.String(), Reason: reasonOf(err), Text: textOf(image, err), Err: err}
}

func reasonOf(err error) Reason {
	switch status := statusOf(err); {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, errors.Is(err, auth.ErrBasicCredentialNotFound):
		return Unauthorized
	case errors.Is(err, errdef.ErrNotFound), status == http.StatusNotFound, errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData),
		errors.Is(err, content.ErrInvalidDescriptorSize), errors.Is(err, errdef.ErrInvalidDigest):
		return Malformed
	case errors.Is(err, errdef.ErrSizeExceedsLimit):
		return TooLarge
	default:
		return Unreachable
	}
}

func textOf(image Image, err error) string {
	switch reasonOf(err) {
	case Unauthorized:
		return fmt.Sprintf("the registry refuses the credentials, or wants some: docker login %s (%v)", image.Host, err)
	case NotFound:
		return "there is no such image: " + err.Error()
	case Malformed:
		return "what came is not what its digest says: " + err.Error()
	default:
		return err.Error()
	}
}

func statusOf(err error) int {
	var answer *errcode.ErrorResponse
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

package computeapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is an answer that is none, in Google's form.
type Error struct {
	Code    int
	Reason  string
	Message string
	// Parameter is the one of the query that is wrong; "" if it is none.
	Parameter string
}

func (e *Error) Error() string { return e.Message }

// Google's reasons.
const (
	reasonForbidden = "forbidden"
	reasonInternal  = "internalError"
	reasonInvalid   = "invalid"
	reasonInUse     = "resourceInUseByAnotherResource"
	reasonNotFound  = "notFound"
	reasonNotReady  = "resourceNotReady"
)

// notFound is about a path, projects/p/global/backendServices/b.
func notFound(path string) error {
	return &Error{Code: http.StatusNotFound, Reason: reasonNotFound, Message: fmt.Sprintf("The resource '%s' was not found", path)}
}

// invalid is about a parameter or a field of a request.
func invalid(field, value, why string) error {
	return &Error{Code: http.StatusBadRequest, Reason: reasonInvalid, Message: fmt.Sprintf("Invalid value for field '%s': '%s'. %s", field, value, why)}
}

// errorBody is Google's JSON of an error.
type errorBody struct {
	Error struct {
		Code    int         `json:"code"`
		Message string      `json:"message"`
		Errors  []errorItem `json:"errors"`
		Status  string      `json:"status,omitempty"`
	} `json:"error"`
}

type errorItem struct {
	Message string `json:"message"`
	Domain  string `json:"domain"`
	Reason  string `json:"reason"`
	// Location is the parameter that is wrong, LocationType says that it is one.
	Location     string `json:"location,omitempty"`
	LocationType string `json:"locationType,omitempty"`
}

// bodyOf is the answer for an error, in the words of one of Google's where it is none. Network Services has a status besides.
func bodyOf(err error, path string) (code int, body errorBody) {
	var known *Error
	if !errors.As(err, &known) {
		known = &Error{Code: http.StatusInternalServerError, Reason: reasonInternal, Message: err.Error()}
	}
	body.Error.Code, body.Error.Message = known.Code, known.Message
	item := errorItem{Message: known.Message, Domain: "global", Reason: known.Reason, Location: known.Parameter}
	if known.Parameter != "" {
		item.LocationType = "parameter"
	}
	body.Error.Errors = []errorItem{item}
	if !strings.HasPrefix(path, "/compute/") {
		body.Error.Status = map[int]string{
			http.StatusBadRequest: "INVALID_ARGUMENT", http.StatusForbidden: "PERMISSION_DENIED", http.StatusNotFound: "NOT_FOUND",
		}[known.Code]
	}
	return known.Code, body
}

package computeapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	api "google.golang.org/api/compute/v1"
)

// parameters are those that every method of Google's APIs has. Some of their names may have a $ before them.
type parameters struct {
	fields *selection
	pretty bool
}

func parametersOf(r *http.Request) (parameters, error) {
	query := r.URL.Query()
	get := func(name string) string { return cmp.Or(query.Get(name), query.Get("$"+name)) }
	// The Python client of Network Services asks for numbers in place of enums' names, and reads both.
	if alt, _, _ := strings.Cut(get("alt"), ";"); alt != "" && alt != "json" {
		return parameters{}, &Error{
			Code: http.StatusBadRequest, Reason: "invalidParameter", Parameter: "alt",
			Message: "Invalid value for alt: '" + get("alt") + "'. Answers are json.",
		}
	}
	var out parameters
	var err error
	if out.pretty, err = boolean("prettyPrint", get("prettyPrint")); err != nil {
		return out, err
	}
	// Nothing that a list is made of is ever out of reach.
	if _, err = boolean("returnPartialSuccess", query.Get("returnPartialSuccess")); err != nil {
		return out, err
	}
	out.fields, err = parseFields(get("fields"))
	if err == nil && r.Method == http.MethodDelete {
		err = out.fields.check(reflect.TypeFor[api.Operation](), "") // before something is done
	}
	return out, err
}

// boolean is false if nothing is said.
func boolean(name, value string) (bool, error) {
	if value == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		return false, &Error{
			Code: http.StatusBadRequest, Reason: "invalidParameter", Parameter: name,
			Message: "Invalid value for " + name + ": '" + value + "'. It is true or false.",
		}
	}
	return b, nil
}

// apply is what the parameters leave of an answer, whose JSON is the body.
func (p parameters) apply(body []byte, answer any) ([]byte, error) {
	if p.fields != nil {
		err := p.fields.check(schemaOf(answer), "")
		if err == nil {
			body, err = p.fields.of(body)
		}
		if err != nil {
			return nil, err
		}
	}
	if !p.pretty {
		return body, nil
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

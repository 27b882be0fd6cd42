package gateway

import (
	"strconv"
	"strings"
)

// origin is where a field of a route rule of the model comes from: both are paths, such as url_rewrite and
// filters[0].urlRewrite.
type origin struct{ model, spec string }

type origins []origin

// find translates the path of a field of the model; "" if nothing is known of it.
func (o origins) find(model string) string {
	for i := len(o) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(model, o[i].model)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return o[i].spec + specFields.Replace(rest)
		}
	}
	return ""
}

// below puts the paths below others.
func (o origins) below(model, spec string) origins {
	out := make(origins, len(o))
	for i := range o {
		out[i] = origin{model + "." + o[i].model, spec + "." + o[i].spec}
	}
	return out
}

// specFields are the fields whose names differ.
var specFields = strings.NewReplacer(
	".replace_full", ".path.replaceFullPath", ".replace_prefix", ".path.replacePrefixMatch", ".host", ".hostname", ".status", ".statusCode",
	".allow_origins", ".allowOrigins", ".allow_methods", ".allowMethods", ".allow_headers", ".allowHeaders", ".expose_headers", ".exposeHeaders",
	".max_age", ".maxAge", ".absolute_timeout", ".absoluteTimeout", ".name", ".name",
)

// item is an element of a list in a path.
func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

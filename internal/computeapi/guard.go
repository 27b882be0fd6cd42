package computeapi

import (
	"net/http"
)

// Guard lets through what reads, and of the rest what no page of another site can have sent: no browser's request (they have an
// Origin), and none to a name that is not the front's own, which somebody may have made to lead here (DNS rebinding).
func Guard(own func(host string) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		if why := foreign(own, r); why != "" {
			var f Front
			f.write(w, r, parameters{}, nil, &Error{Code: http.StatusForbidden, Reason: reasonForbidden, Message: why})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign says why a request is refused, "" if it is not.
func foreign(own func(host string) bool, r *http.Request) string {
	if len(r.Header.Values("Origin")) > 0 {
		return "Pages of browsers may only read: this request has an Origin."
	}
	if !own(r.Host) {
		return "The host '" + r.Host + "' is none by which this API is written to: use an address, or name it with --compute-host."
	}
	return ""
}

package outage

import (
	"fmt"
	"strconv"
	"strings"
)

// Mend says what would mend a probe that the app answers with a status that does not count, or "": the most common fault of
// all is an app that has nothing at / but a 404 or a redirect, while its Pods are Ready. of is the Service or ServiceImport as
// users write it; ingress says that an Ingress sends there.
func Mend(detail, of string, ingress bool) string {
	text, ok := strings.CutPrefix(detail, "HTTP ")
	code, err := strconv.Atoi(text)
	if !ok || err != nil || code < 201 || code >= 500 {
		return ""
	}
	where := "a HealthCheckPolicy whose targetRef is " + of + " (spec.default.config.httpHealthCheck.requestPath)"
	if ingress {
		where = "a BackendConfig (spec.healthCheck.requestPath) that the annotation cloud.google.com/backend-config of " + of +
			" names, or a readinessProbe of the container,"
	}
	return fmt.Sprintf("; the app answers, but only 200 counts, whether its Pods are Ready or not: %s can name a path that answers 200", where)
}

package chains_test

// conditions are those that the extension of a fault has, in whose column of the page internal/serve's tests hold them. The other faults have
// none.
var conditions = map[string]string{
	"nobody listens":                        "Programmed ProgrammingFailed",
	"no endpoint":                           "Programmed ProgrammingFailed",
	"backend service without groups":        "Programmed ProgrammingFailed",
	"backend service that aborts":           "Accepted InvalidExtensionService",
	"backend service of another protocol":   "Accepted InvalidExtensionService",
	"Service not found":                     "ResolvedRefs ExtensionServiceNotFound",
	"plugin not found":                      "ResolvedRefs GCPWasmPluginNotFound",
	"Google API without an endpoint":        "ResolvedRefs ExtensionServiceNotFound",
	"condition that cannot be compiled":     "Accepted InvalidCELExpression",
	"module that cannot be loaded":          "Programmed ProgrammingFailed",
	"plugin that refuses its configuration": "Programmed ProgrammingFailed",
	"plugin that traps when it starts":      "Programmed ProgrammingFailed",
}

func conditionOf(fault string) string {
	if c := conditions[fault]; c != "" {
		return "`" + c + "`"
	}
	return "none: it is per request, see the metric"
}

package chains_test

// conditions are those that the extension of a fault has that the control plane knows of, in whose column of the page internal/serve's tests
// hold them. The other faults are found out from requests.
var conditions = map[string]string{
	"backend service that aborts":         "Accepted InvalidExtensionService",
	"backend service of another protocol": "Accepted InvalidExtensionService",
	"Service not found":                   "ResolvedRefs ExtensionServiceNotFound",
	"plugin not found":                    "ResolvedRefs GCPWasmPluginNotFound",
	"Google API without an endpoint":      "ResolvedRefs ExtensionServiceNotFound",
	"condition that cannot be compiled":   "Accepted InvalidCELExpression",
}

func conditionOf(fault string) string {
	if c := conditions[fault]; c != "" {
		return "`" + c + "`"
	}
	return "`Programmed ProgrammingFailed`"
}

package status

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// InstallAnnotation marks objects in API servers that an install of Spillway made: its value is the install's name. An object
// without it, or with another one, belongs to somebody else.
const InstallAnnotation = "spillway.dev/install"

// FieldManager is who the fields belong to that an install of Spillway writes.
const FieldManager = "spillway"

// DefaultInstall is the name of the install where there is one.
const DefaultInstall = "spillway"

// OriginOf is the origin of an object that an API server has: Origin if the install made it, else none.
func OriginOf(o metav1.Object, install string) string {
	if by, ok := o.GetAnnotations()[InstallAnnotation]; ok && by == install {
		return Origin
	}
	return ""
}

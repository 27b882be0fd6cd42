// Package manifests holds what deploy is applied from, deploy/manifests and deploy/rbac, together: its tests want every object to be one that an
// API server takes word for word, every reference to lead somewhere, and every Pod to be one that the namespace's Pod Security admits.
package manifests

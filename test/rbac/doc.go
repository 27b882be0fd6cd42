// Package rbac holds the controller and its ClusterRoles together: its test plays every scenario of the translators as a controller would,
// against an API server in memory, and wants the ClusterRoles of deploy/rbac to permit what was asked for and nothing else. So it does with
// what flags ask for beside that.
package rbac

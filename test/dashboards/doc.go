// Package dashboards holds deploy/dashboards and the code together: its test wants every metric that a dashboard names to exist.
package dashboards

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
)

const getHealthExample = `  spillway get-health $(spillway get backend-services -o name | grep store-store-8080)`

func newGetHealthCommand(c *connection) *cobra.Command {
	var details bool
	cmd := &cobra.Command{
		Use: "get-health BACKEND_SERVICE", Short: "Print the health of the endpoints of a backend service",
		Long: "Print the health of the endpoints of a backend service, as `gcloud compute backend-services get-health` does:\n" +
			"one document for each network endpoint group. An endpoint is HEALTHY if a location that sends it traffic finds it so.",
		Example: getHealthExample, Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return getHealth(cmd, c, args[0], details) },
	}
	cmd.Flags().BoolVar(&details, "details", false, "add what each location's prober found")
	return cmd
}

func getHealth(cmd *cobra.Command, c *connection, name string, details bool) error {
	client, _, err := c.connect(cmd.Context())
	if err != nil {
		return err
	}
	endpoints, err := client.Health(cmd.Context(), name)
	if errors.Is(err, control.ErrNotFound) {
		return resourceNotFound("backendServices", name)
	}
	if err != nil {
		return err
	}
	return printHealth(cmd.OutOrStdout(), endpoints, details)
}

// printHealth prints one YAML document per backend group, in order of name.
func printHealth(w io.Writer, endpoints []control.Endpoint, details bool) error {
	groups := map[string][]any{}
	links := map[string]string{}
	for _, e := range endpoints {
		links[e.Group] = compute.GroupLink(e.Project, e.Group)
		if e.Address == "" {
			groups[e.Group] = nil // an empty group
			continue
		}
		groups[e.Group] = append(groups[e.Group], healthStatus(e, details))
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		status := map[string]any{"kind": "compute#backendServiceGroupHealth"}
		if len(groups[group]) > 0 {
			status["healthStatus"] = groups[group]
		}
		b, err := yaml.Marshal(map[string]any{"backend": links[group], "status": status})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", b); err != nil {
			return err
		}
	}
	return nil
}

func healthStatus(e control.Endpoint, details bool) map[string]any {
	state := e.State
	if e.Draining {
		state = "DRAINING"
	}
	status := map[string]any{"healthState": state, "ipAddress": e.Address, "port": e.Port}
	if e.Instance != "" { // an endpoint that a user wrote by hand may name no Node
		status["instance"] = compute.InstanceLink(e.Project, e.Zone, e.Instance)
	}
	if details {
		verdicts := []any{}
		for _, v := range e.Locations {
			verdict := map[string]any{"location": v.Location, "healthState": v.State}
			if v.Detail != "" {
				verdict["detail"] = v.Detail
			}
			verdicts = append(verdicts, verdict)
		}
		status["locations"] = verdicts
	}
	return status
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/control"
)

const urlsExample = `  spillway urls
  curl -H "host: store.example.com" $(spillway urls -o json | jq -r '.[0].url')`

func newURLsCommand(c *connection) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "urls", Short: "Where to curl: one row for each listener and location", Example: urlsExample, Args: cobra.NoArgs,
		Long: `Where to curl: one row for each listener that is Programmed, at each location. The URL is what curl takes as it is, port
included. Where a TLS listener has a hostname, or rules want a host, that is not enough: -o wide adds a curl command that
works as printed.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, _, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			urls, err := client.URLs(cmd.Context())
			if err != nil {
				return err
			}
			return printURLs(cmd.OutOrStdout(), urls, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "json or wide; a table by default")
	return cmd
}

func printURLs(w io.Writer, urls []control.URL, output string) error {
	switch output {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "    ")
		if urls == nil {
			urls = []control.URL{}
		}
		return enc.Encode(urls)
	case "", "wide":
	default:
		return fmt.Errorf("output format %q is neither json nor wide", output)
	}
	tw := tabwriter.NewWriter(w, 6, 4, 3, ' ', 0)
	if output == "wide" {
		fmt.Fprintln(tw, "KIND\tNAMESPACE\tNAME\tCLASS\tLISTENER\tREGION\tURL\tCURL")
	} else {
		fmt.Fprintln(tw, "KIND\tNAMESPACE\tNAME\tLISTENER\tREGION\tURL")
	}
	for _, u := range urls {
		class, curl := "", ""
		if output == "wide" {
			class, curl = u.Class+"\t", "\t<none>"
			if len(u.Curl) > 0 {
				curl = "\t" + u.Curl[0]
			}
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s%s\t%s\t%s%s\n", u.Kind, u.Namespace, u.Name, class, u.Listener, u.Region, u.URL, curl)
	}
	return tw.Flush()
}

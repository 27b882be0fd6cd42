package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/store"
)

const logsLong = `Print what a container of a Pod has printed, as ` + "`kubectl logs`" + ` does. The last 64 KiB are kept.

Containers that run a command of spillway.yaml have logs. The built-in sample servers print nothing; for their requests
see --access-log of ` + "`spillway serve`" + `.`

const logsExample = `  spillway logs shop-5d9c7b8f4d-x2x7k -n store
  spillway logs shop-5d9c7b8f4d-x2x7k -c app --context gke-west-1 -f`

// logs is one call of `spillway logs`.
type logs struct {
	selection
	container string
	follow    bool
}

func newLogsCommand(c *connection) *cobra.Command {
	var l logs
	cmd := &cobra.Command{
		Use: "logs POD", Short: "Print the logs of a container of a Pod", Long: logsLong, Example: logsExample,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return l.run(cmd, c, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&l.context, "context", "", "the cluster to look at; the config cluster by default")
	flags.StringVarP(&l.namespace, "namespace", "n", "default", "the namespace to look at")
	flags.StringVarP(&l.container, "container", "c", "", "the container; the first one by default")
	flags.BoolVarP(&l.follow, "follow", "f", false, "print on as more comes, until Ctrl-C or the end of the Pod")
	return cmd
}

func (l *logs) run(cmd *cobra.Command, c *connection, name string) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, info, err := c.connect(ctx)
	if err != nil {
		return err
	}
	ref := store.Ref{Kind: control.KindPod, Namespace: l.namespace, Name: strings.TrimPrefix(strings.TrimPrefix(name, "pods/"), "pod/")}
	if ref.Cluster, err = l.cluster(info); err != nil {
		return err
	}
	container, err := l.choose(ctx, client, ref, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	next, err := printLogs(ctx, client, ref, container, 0, cmd.OutOrStdout())
	if err != nil || !l.follow {
		return err
	}
	return followLogs(ctx, client, ref, container, next, cmd.OutOrStdout())
}

// choose returns the name of the container that is meant.
func (l *logs) choose(ctx context.Context, client *control.Client, ref store.Ref, stderr io.Writer) (string, error) {
	found, err := client.Objects(ctx, control.Query{Kind: ref.Kind, Cluster: ref.Cluster, Namespace: ref.Namespace, Name: ref.Name})
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", notFound("pods", ref.Name)
	}
	var pod corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found[0].Object, &pod); err != nil {
		return "", err
	}
	var names []string
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		names = append(names, c.Name)
	}
	switch {
	case l.container != "" && !slices.Contains(names, l.container):
		return "", fmt.Errorf("container %s is not valid for pod %s", l.container, ref.Name)
	case l.container != "":
		return l.container, nil
	case len(names) == 0:
		return "", fmt.Errorf("pod %s has no container", ref.Name)
	case len(names) > 1:
		fmt.Fprintf(stderr, "Defaulted container %q out of: %s\n", names[0], strings.Join(names, ", "))
	}
	return names[0], nil
}

// followInterval is how often more output is asked for.
const followInterval = 200 * time.Millisecond

// followLogs prints what comes until the Pod, the context or the server ends, whose Pods end with it.
func followLogs(ctx context.Context, client *control.Client, pod store.Ref, container string, next int64, w io.Writer) error {
	ticker := time.NewTicker(followInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var err error
		var gone *url.Error
		next, err = printLogs(ctx, client, pod, container, next, w)
		switch {
		case errors.Is(err, control.ErrNotFound) || errors.As(err, &gone) || ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

// printLogs prints what came after an offset, and returns the next one.
func printLogs(ctx context.Context, client *control.Client, pod store.Ref, container string, from int64, w io.Writer) (int64, error) {
	out, err := client.Logs(ctx, pod, container, from)
	if err != nil {
		return 0, err
	}
	_, err = w.Write(out.Text)
	return out.Next, err
}

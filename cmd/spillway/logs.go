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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/printer"
	"github.com/spillway-lb/spillway/internal/store"
)

const logsLong = `Print what a container of a Pod has printed, as ` + "`kubectl logs`" + ` does. The last 64 KiB are kept.

Containers that run a command of spillway.yaml have logs. The built-in sample servers print nothing; for their requests
see --access-log of ` + "`spillway serve`" + `.`

const logsExample = `  spillway logs deployment/shop -n store
  spillway logs shop-5d9c7b8f4d-x2x7k -n store
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
		Use: "logs POD | TYPE/NAME", Short: "Print the logs of a container of a Pod", Long: logsLong, Example: logsExample,
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
	cluster, err := l.cluster(info)
	if err != nil {
		return err
	}
	ref, err := l.pod(ctx, client, cluster, name, cmd.ErrOrStderr())
	if err != nil {
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

// pod is the Pod that is meant: by its name, or the first by name of those that a TYPE/NAME owns or selects.
func (l *logs) pod(ctx context.Context, client *control.Client, cluster, arg string, stderr io.Writer) (store.Ref, error) {
	ref := store.Ref{Cluster: cluster, Kind: kind.Pod, Namespace: l.namespace, Name: arg}
	typed, name, slashed := strings.Cut(arg, "/")
	if !slashed {
		return ref, nil
	}
	owner, err := printer.Lookup(typed)
	if err != nil {
		return ref, err
	}
	if owner.Ref() == kind.Pod {
		ref.Name = name
		return ref, nil
	}
	found, err := client.Objects(ctx, control.Query{Kind: owner.Ref(), Cluster: cluster, Namespace: l.namespace, Name: name})
	if err != nil {
		return ref, err
	}
	if len(found) == 0 {
		return ref, notFound(owner.Resource(), name)
	}
	selector, err := podSelector(found[0])
	if err != nil {
		return ref, fmt.Errorf("%s/%s: %w", owner.Typed(), name, err)
	}
	pods, err := client.Objects(ctx, control.Query{Kind: kind.Pod, Cluster: cluster, Namespace: l.namespace})
	if err != nil {
		return ref, err
	}
	pods = slices.DeleteFunc(pods, func(p printer.Object) bool { return !selector.Matches(labels.Set(p.GetLabels())) })
	if len(pods) == 0 {
		return ref, fmt.Errorf("no pods of %s/%s are there", owner.Typed(), name)
	}
	ref.Name = pods[0].GetName()
	if len(pods) > 1 {
		fmt.Fprintf(stderr, "Found %d pods, using pod/%s\n", len(pods), ref.Name)
	}
	return ref, nil
}

// podSelector is how an object chooses its Pods: a Service by labels, a workload by a selector.
func podSelector(object printer.Object) (labels.Selector, error) {
	selector, _, _ := unstructured.NestedMap(object.Object, "spec", "selector")
	if len(selector) == 0 {
		return nil, errors.New("it selects no pods")
	}
	if _, plain := selector["matchLabels"]; !plain && selector["matchExpressions"] == nil {
		set, _, err := unstructured.NestedStringMap(object.Object, "spec", "selector")
		return labels.SelectorFromSet(set), err
	}
	var s metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(selector, &s); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(&s)
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

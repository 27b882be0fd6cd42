package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/spillway-lb/spillway/internal/crds"
)

const (
	crdPath      = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	fieldManager = "spillway-lab"
)

// notOnGKE is the group of CRDs that GKE's clusters do not have. With them `kubectl get serviceexports` would mean theirs, not GKE's.
const notOnGKE = "multicluster.x-k8s.io"

// installCRDs applies every CRD that a GKE cluster has and Spillway reads, and waits until the API server serves them.
func installCRDs(ctx context.Context, client *http.Client, host string) error {
	names, err := fs.Glob(crds.Files(), "*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, notOnGKE+"_") {
			continue
		}
		text, err := fs.ReadFile(crds.Files(), name)
		if err != nil {
			return err
		}
		if err := apply(ctx, client, host+crdPath+"/"+crdName(name), text); err != nil {
			return fmt.Errorf("CRD %s: %w", name, err)
		}
	}
	for {
		missing, err := unestablished(ctx, client, host)
		if err == nil && len(missing) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server does not serve %s: %w", strings.Join(missing, ", "), ctx.Err())
		case <-time.After(poll):
		}
	}
}

// crdName is PLURAL.GROUP of GROUP_PLURAL.yaml.
func crdName(file string) string {
	group, plural, _ := strings.Cut(strings.TrimSuffix(file, ".yaml"), "_")
	return plural + "." + group
}

// apply is a server-side apply of one object.
func apply(ctx context.Context, client *http.Client, url string, text []byte) error {
	url += "?force=true&fieldManager=" + fieldManager
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/apply-patch+yaml")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s: %s", answer.Status, body)
	}
	return nil
}

// unestablished are the CRDs that are not served yet.
func unestablished(ctx context.Context, client *http.Client, host string) ([]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, host+crdPath, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var list apiextensionsv1.CustomResourceDefinitionList
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		return nil, err
	}
	var missing []string
	for i := range list.Items {
		if !established(&list.Items[i]) {
			missing = append(missing, list.Items[i].Name)
		}
	}
	return missing, nil
}

func established(crd *apiextensionsv1.CustomResourceDefinition) bool {
	for _, c := range crd.Status.Conditions {
		if c.Type == apiextensionsv1.Established {
			return c.Status == apiextensionsv1.ConditionTrue
		}
	}
	return false
}

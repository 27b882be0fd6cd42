package workload

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// environment resolves what a container refers to: ConfigMaps, Secrets, and fields of its Pod.
type environment struct {
	core      *Core
	pod       *pod
	container *corev1.Container
}

// resolve returns the variables in order, as the kubelet would: envFrom first, later ones win, and $(NAME) stands for
// the value of a variable before.
func (e environment) resolve() ([]EnvVar, error) {
	values := map[string]string{}
	var order []string
	set := func(name, value string) {
		if _, known := values[name]; !known {
			order = append(order, name)
		}
		values[name] = value
	}
	for _, from := range e.container.EnvFrom {
		data, err := e.envFrom(from)
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			set(from.Prefix+key, data[key])
		}
	}
	for _, v := range e.container.Env {
		if v.ValueFrom == nil {
			set(v.Name, Expand(v.Value, values))
			continue
		}
		value, known, err := e.valueFrom(v.ValueFrom)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		if known {
			set(v.Name, value)
		}
	}
	env := make([]EnvVar, 0, len(order))
	for _, name := range order {
		env = append(env, EnvVar{name, values[name]})
	}
	return env, nil
}

// Expand replaces $(NAME) by a variable's value, as in a container's command. $$ is a dollar sign; an unknown name
// stays as it is.
func Expand(s string, values map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		value, known := values[name]
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			s = rest[1:]
		case strings.HasPrefix(rest, "(") && closed && known:
			b.WriteString(value)
			s = after
		default:
			b.WriteByte('$')
			s = rest
		}
	}
}

func (e environment) envFrom(from corev1.EnvFromSource) (map[string]string, error) {
	switch {
	case from.ConfigMapRef != nil:
		return e.configMap(from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
	case from.SecretRef != nil:
		return e.secret(from.SecretRef.Name, from.SecretRef.Optional)
	}
	return nil, nil
}

func (e environment) valueFrom(from *corev1.EnvVarSource) (value string, known bool, err error) {
	var data map[string]string
	var key string
	var optional *bool
	switch {
	case from.FieldRef != nil:
		value, err := e.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err := e.resource(from.ResourceFieldRef.Resource)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		r := from.ConfigMapKeyRef
		key, optional = r.Key, r.Optional
		data, err = e.configMap(r.Name, optional)
	case from.SecretKeyRef != nil:
		r := from.SecretKeyRef
		key, optional = r.Key, r.Optional
		data, err = e.secret(r.Name, optional)
	}
	if err != nil {
		return "", false, err
	}
	value, known = data[key]
	if !known && !isTrue(optional) {
		return "", false, fmt.Errorf("there is no key %q", key)
	}
	return value, known, nil
}

// field is the downward API.
func (e environment) field(fieldPath string) (string, error) {
	object := e.pod.object
	if name, subscript, ok := strings.Cut(strings.TrimSuffix(fieldPath, "']"), "['"); ok {
		switch name {
		case "metadata.labels":
			return object.Labels[subscript], nil
		case "metadata.annotations":
			return object.Annotations[subscript], nil
		}
	}
	switch fieldPath {
	case "metadata.name":
		return e.pod.ref.Name, nil
	case "metadata.namespace":
		return e.pod.ref.Namespace, nil
	case "metadata.uid":
		if stored, ok := get[*corev1.Pod](e.core, e.pod.ref); ok {
			return string(stored.UID), nil
		}
		return e.pod.id, nil
	case "spec.nodeName":
		return e.pod.node, nil
	case "spec.serviceAccountName":
		return serviceAccount(object), nil
	case "status.podIP", "status.podIPs":
		return e.pod.address.String(), nil
	case "status.hostIP", "status.hostIPs":
		return e.core.hostIP(e.pod), nil
	}
	return "", fmt.Errorf("field %s is not supported", fieldPath)
}

func serviceAccount(p *corev1.Pod) string {
	if p.Spec.ServiceAccountName == "" {
		return "default"
	}
	return p.Spec.ServiceAccountName
}

// resource is a limit or request of the container; one that is not set is 0.
func (e environment) resource(name string) (string, error) {
	kind, resource, ok := strings.Cut(name, ".")
	list := e.container.Resources.Limits
	if kind == "requests" {
		list = e.container.Resources.Requests
	}
	if !ok || (kind != "requests" && kind != "limits") {
		return "", fmt.Errorf("resource %s is not supported", name)
	}
	quantity := list[corev1.ResourceName(resource)]
	return fmt.Sprint(quantity.Value()), nil
}

func (e environment) configMap(name string, optional *bool) (map[string]string, error) {
	ref := store.Ref{Cluster: e.pod.ref.Cluster, Kind: kind.ConfigMap, Namespace: e.pod.ref.Namespace, Name: name}
	object, ok := get[*corev1.ConfigMap](e.core, ref)
	if !ok {
		return nil, missing(optional, "configmap", name)
	}
	data := maps.Clone(object.Data)
	if data == nil {
		data = map[string]string{}
	}
	for key, value := range object.BinaryData {
		data[key] = string(value)
	}
	return data, nil
}

func (e environment) secret(name string, optional *bool) (map[string]string, error) {
	ref := store.Ref{Cluster: e.pod.ref.Cluster, Kind: kind.Secret, Namespace: e.pod.ref.Namespace, Name: name}
	object, ok := get[*corev1.Secret](e.core, ref)
	if !ok {
		return nil, missing(optional, "secret", name)
	}
	data := maps.Clone(object.StringData)
	if data == nil {
		data = map[string]string{}
	}
	for key, value := range object.Data {
		data[key] = string(value)
	}
	return data, nil
}

func missing(optional *bool, kind, name string) error {
	if isTrue(optional) {
		return nil
	}
	return fmt.Errorf("%s %q not found", kind, name)
}

func isTrue(b *bool) bool { return b != nil && *b }

// files returns the contents of the ConfigMap and Secret volumes that the container mounts, by path.
func (e environment) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, mount := range e.container.VolumeMounts {
		i := slices.IndexFunc(e.pod.object.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		if i < 0 {
			return nil, fmt.Errorf("volume %q is not there", mount.Name)
		}
		data, err := e.volume(&e.pod.object.Spec.Volumes[i])
		if err != nil {
			return nil, fmt.Errorf("volume %q: %w", mount.Name, err)
		}
		for name, content := range data {
			switch mount.SubPath {
			case "":
				files[path.Join(mount.MountPath, name)] = []byte(content)
			case name:
				files[path.Clean(mount.MountPath)] = []byte(content)
			}
		}
	}
	return files, nil
}

// volume returns the files of a volume. Volumes that start empty, or that are not supported, have none.
func (e environment) volume(v *corev1.Volume) (map[string]string, error) {
	switch {
	case v.ConfigMap != nil:
		data, err := e.configMap(v.ConfigMap.Name, v.ConfigMap.Optional)
		return pick(data, v.ConfigMap.Items), err
	case v.Secret != nil:
		data, err := e.secret(v.Secret.SecretName, v.Secret.Optional)
		return pick(data, v.Secret.Items), err
	}
	return nil, nil
}

// pick renames the keys that a volume lists; it has all keys if it lists none.
func pick(data map[string]string, items []corev1.KeyToPath) map[string]string {
	if len(items) == 0 {
		return data
	}
	picked := map[string]string{}
	for _, item := range items {
		if value, ok := data[item.Key]; ok {
			picked[item.Path] = value
		}
	}
	return picked
}

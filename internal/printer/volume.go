package printer

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

func (d *description) mounts(mounts []corev1.VolumeMount) {
	if len(mounts) == 0 {
		d.line(2, "Mounts:\t<none>")
		return
	}
	d.line(2, "Mounts:")
	for _, m := range mounts {
		flags := "rw"
		if m.ReadOnly {
			flags = "ro"
		}
		if m.SubPath != "" {
			flags += ",path=" + strconv.Quote(m.SubPath)
		}
		d.line(3, "%s from %s (%s)", m.MountPath, m.Name, flags)
	}
}

func (d *description) volumes(volumes []corev1.Volume) {
	if len(volumes) == 0 {
		d.line(0, "Volumes:\t<none>")
		return
	}
	d.line(0, "Volumes:")
	for _, v := range volumes {
		d.line(1, "%s:", v.Name)
		d.volume(v.VolumeSource)
	}
}

// volume prints the sources that mean something here.
func (d *description) volume(v corev1.VolumeSource) {
	switch {
	case v.EmptyDir != nil:
		d.line(2, "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)")
		d.line(2, "Medium:\t%s", v.EmptyDir.Medium)
	case v.ConfigMap != nil:
		d.line(2, "Type:\tConfigMap (a volume populated by a ConfigMap)")
		d.line(2, "Name:\t%s", v.ConfigMap.Name)
		d.line(2, "Optional:\t%t", v.ConfigMap.Optional != nil && *v.ConfigMap.Optional)
	case v.Secret != nil:
		d.line(2, "Type:\tSecret (a volume populated by a Secret)")
		d.line(2, "SecretName:\t%s", v.Secret.SecretName)
		d.line(2, "Optional:\t%t", v.Secret.Optional != nil && *v.Secret.Optional)
	case v.HostPath != nil:
		d.line(2, "Type:\tHostPath (bare host directory volume)")
		d.line(2, "Path:\t%s", v.HostPath.Path)
	case v.PersistentVolumeClaim != nil:
		d.line(2, "Type:\tPersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)")
		d.line(2, "ClaimName:\t%s", v.PersistentVolumeClaim.ClaimName)
		d.line(2, "ReadOnly:\t%t", v.PersistentVolumeClaim.ReadOnly)
	default:
		d.line(2, "<unknown>")
	}
}

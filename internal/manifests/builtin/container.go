package builtin

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func defaultContainer(c *corev1.Container) {
	setDefault(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	setDefault(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	setDefault(&c.ImagePullPolicy, pullPolicy(c.Image))
	for i := range c.Ports {
		setDefault(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			setDefault(&from.FieldRef.APIVersion, "v1")
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe != nil {
			defaultProbe(probe)
		}
	}
}

// pullPolicy is Always for images without a tag or with the tag latest.
func pullPolicy(image string) corev1.PullPolicy {
	if strings.Contains(image, "@") {
		return corev1.PullIfNotPresent
	}
	_, tag, _ := strings.Cut(path.Base(image), ":")
	if tag == "" || tag == "latest" {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

func defaultProbe(p *corev1.Probe) {
	setDefault(&p.TimeoutSeconds, 1)
	setDefault(&p.PeriodSeconds, 10)
	setDefault(&p.SuccessThreshold, 1)
	setDefault(&p.FailureThreshold, 3)
	if p.HTTPGet != nil {
		setDefault(&p.HTTPGet.Path, "/")
		setDefault(&p.HTTPGet.Scheme, corev1.URISchemeHTTP)
	}
	if p.GRPC != nil {
		setPointer(&p.GRPC.Service, "")
	}
}

func validateContainers(containers []corev1.Container, volumes, names unique, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range containers {
		c, here := &containers[i], at.Index(i)
		if c.Name == "" {
			errs = append(errs, field.Required(here.Child("name"), ""))
		} else {
			errs = append(errs, dnsLabel(c.Name, here.Child("name"))...)
			errs = append(errs, names.add(c.Name, here.Child("name"))...)
		}
		switch {
		case c.Image == "":
			errs = append(errs, field.Required(here.Child("image"), ""))
		case strings.TrimSpace(c.Image) != c.Image:
			errs = append(errs, field.Invalid(here.Child("image"), c.Image, "must not have leading or trailing whitespace"))
		}
		errs = append(errs, oneOf(c.ImagePullPolicy, here.Child("imagePullPolicy"), corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)...)
		errs = append(errs, validateContainerPorts(c.Ports, here.Child("ports"))...)
		errs = append(errs, validateEnv(c.Env, here.Child("env"))...)
		errs = append(errs, validateMounts(c.VolumeMounts, volumes, here.Child("volumeMounts"))...)
		errs = append(errs, validateProbe(c.LivenessProbe, here.Child("livenessProbe"), true)...)
		errs = append(errs, validateProbe(c.ReadinessProbe, here.Child("readinessProbe"), false)...)
		errs = append(errs, validateProbe(c.StartupProbe, here.Child("startupProbe"), true)...)
	}
	return errs
}

func validateContainerPorts(ports []corev1.ContainerPort, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := unique{}
	for i, p := range ports {
		here := at.Index(i)
		if p.Name != "" {
			errs = append(errs, invalidFor(here.Child("name"), p.Name, validation.IsValidPortName(p.Name))...)
			errs = append(errs, names.add(p.Name, here.Child("name"))...)
		}
		if p.ContainerPort == 0 {
			errs = append(errs, field.Required(here.Child("containerPort"), ""))
		} else {
			errs = append(errs, portNumber(p.ContainerPort, here.Child("containerPort"))...)
		}
		if p.HostPort != 0 {
			errs = append(errs, portNumber(p.HostPort, here.Child("hostPort"))...)
		}
		errs = append(errs, protocol(p.Protocol, here.Child("protocol"))...)
	}
	return errs
}

func validateEnv(env []corev1.EnvVar, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, e := range env {
		here := at.Index(i)
		if e.Name == "" {
			errs = append(errs, field.Required(here.Child("name"), ""))
		} else {
			errs = append(errs, invalidFor(here.Child("name"), e.Name, validation.IsRelaxedEnvVarName(e.Name))...)
		}
		if e.ValueFrom == nil {
			continue
		}
		from, sources := e.ValueFrom, 0
		for _, set := range []bool{from.FieldRef != nil, from.ResourceFieldRef != nil, from.ConfigMapKeyRef != nil, from.SecretKeyRef != nil, from.FileKeyRef != nil} {
			if set {
				sources++
			}
		}
		switch {
		case sources == 0:
			errs = append(errs, field.Invalid(here.Child("valueFrom"), "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"))
		case e.Value != "":
			errs = append(errs, field.Invalid(here.Child("valueFrom"), "", "may not be specified when `value` is not empty"))
		case sources > 1:
			errs = append(errs, field.Invalid(here.Child("valueFrom"), "", "may not have more than one field specified at a time"))
		}
	}
	return errs
}

func validateMounts(mounts []corev1.VolumeMount, volumes unique, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	paths := unique{}
	for i, m := range mounts {
		here := at.Index(i)
		switch {
		case m.Name == "":
			errs = append(errs, field.Required(here.Child("name"), ""))
		case !volumes[m.Name]:
			errs = append(errs, field.NotFound(here.Child("name"), m.Name))
		}
		if m.MountPath == "" {
			errs = append(errs, field.Required(here.Child("mountPath"), ""))
		} else if paths[m.MountPath] {
			errs = append(errs, field.Invalid(here.Child("mountPath"), m.MountPath, "must be unique"))
		}
		paths[m.MountPath] = true
	}
	return errs
}

func validateProbe(p *corev1.Probe, at *field.Path, successIsOne bool) field.ErrorList {
	if p == nil {
		return nil
	}
	errs := nonNegative(int64(p.InitialDelaySeconds), at.Child("initialDelaySeconds"))
	errs = append(errs, nonNegative(int64(p.TimeoutSeconds), at.Child("timeoutSeconds"))...)
	errs = append(errs, nonNegative(int64(p.PeriodSeconds), at.Child("periodSeconds"))...)
	errs = append(errs, nonNegative(int64(p.FailureThreshold), at.Child("failureThreshold"))...)
	errs = append(errs, nonNegative(int64(p.SuccessThreshold), at.Child("successThreshold"))...)
	if successIsOne && p.SuccessThreshold != 1 {
		errs = append(errs, field.Invalid(at.Child("successThreshold"), p.SuccessThreshold, "must be 1"))
	}
	handlers := 0
	if p.Exec != nil {
		handlers++
	}
	if p.HTTPGet != nil {
		handlers++
		errs = append(errs, portOrName(p.HTTPGet.Port, at.Child("httpGet", "port"))...)
		errs = append(errs, oneOf(p.HTTPGet.Scheme, at.Child("httpGet", "scheme"), corev1.URISchemeHTTP, corev1.URISchemeHTTPS)...)
	}
	if p.TCPSocket != nil {
		handlers++
		errs = append(errs, portOrName(p.TCPSocket.Port, at.Child("tcpSocket", "port"))...)
	}
	if p.GRPC != nil {
		handlers++
		errs = append(errs, portNumber(p.GRPC.Port, at.Child("grpc", "port"))...)
	}
	switch {
	case handlers == 0:
		errs = append(errs, field.Required(at, "must specify a handler type"))
	case handlers > 1:
		errs = append(errs, field.Forbidden(at, "may not specify more than 1 handler type"))
	}
	return errs
}

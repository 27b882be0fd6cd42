package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
)

// defaultNamespace is the flag that says where objects are that name no namespace, as kubectl apply's -n.
type defaultNamespace string

func (n *defaultNamespace) addFlag(flags *pflag.FlagSet) {
	flags.VarP(n, "namespace", "n", `namespace of objects that name none ("default"); a cluster.yaml's defaultNamespace goes before it`)
}

func (n *defaultNamespace) String() string { return string(*n) }

func (n *defaultNamespace) Type() string { return "string" }

func (n *defaultNamespace) Set(text string) error {
	if problems := validation.IsDNS1123Label(text); len(problems) > 0 {
		return fmt.Errorf("%q is no name of a namespace: %s", text, strings.Join(problems, ", "))
	}
	*n = defaultNamespace(text)
	return nil
}

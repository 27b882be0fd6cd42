package authority

import (
	"bytes"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/kubernetes/typed/core/v1/fake"
	clienttesting "k8s.io/client-go/testing"
)

// newClient is one of an API server that holds nothing, and what is asked of it.
func newClient(t *testing.T) (corev1client.SecretInterface, *clienttesting.Fake) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	asked := &clienttesting.Fake{}
	tracker := clienttesting.NewObjectTracker(scheme, serializer.NewCodecFactory(scheme).UniversalDecoder())
	asked.AddReactor("*", "*", clienttesting.ObjectReaction(tracker))
	return (&fake.FakeCoreV1{Fake: asked}).Secrets("ns"), asked
}

func keeper(t *testing.T, client corev1client.SecretInterface, now *time.Time) *Keeper {
	t.Helper()
	return New(Config{
		Secrets: client, Name: "spillway-webhook", Hosts: []string{"10.0.0.1"}, Say: t.Logf,
		Now: func() time.Time { return *now },
	})
}

// TestReplicasShareOne: of replicas that start at once one makes the Secret, and all show a certificate that its bundle trusts. A look
// at what is good writes nothing.
func TestReplicasShareOne(t *testing.T) {
	now := start
	client, asked := newClient(t)
	var replicas []*Keeper
	var looking sync.WaitGroup
	for range 4 {
		k := keeper(t, client, &now)
		if _, err := k.Certificate(nil); !errors.Is(err, errNone) || k.Bundle() != nil {
			t.Fatal("a certificate before the first look")
		}
		replicas = append(replicas, k)
		looking.Go(func() {
			if err := k.Look(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	looking.Wait()
	for _, k := range replicas {
		pair, err := k.Certificate(&tls.ClientHelloInfo{})
		first, _ := replicas[0].Certificate(nil)
		if err != nil || !bytes.Equal(k.Bundle(), replicas[0].Bundle()) || !bytes.Equal(pair.Certificate[0], first.Certificate[0]) {
			t.Error("replicas differ", err)
		}
	}
	asked.ClearActions()
	if err := replicas[1].Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, a := range asked.Actions() {
		if a.GetVerb() != "get" {
			t.Errorf("%s of what is good", a.GetVerb())
		}
	}
	<-replicas[1].Changed()
	now = now.Add(9 * 365 * day)
	if err := replicas[0].Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := replicas[1].Look(t.Context()); err != nil || !bytes.Equal(replicas[0].Bundle(), replicas[1].Bundle()) {
		t.Error("a renewal is not shared", err)
	}
	select {
	case <-replicas[1].Changed():
	default:
		t.Error("nobody was told of the new authority")
	}
}

// TestASecretOfSomebodyElseIsLeftAlone: a certificate that a user keeps under the name is no trash.
func TestASecretOfSomebodyElseIsLeftAlone(t *testing.T) {
	now := start
	client, asked := newClient(t)
	k := keeper(t, client, &now)
	k.config.Annotations = map[string]string{"of": "us"}
	theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "spillway-webhook"}, Data: map[string][]byte{"tls.crt": []byte("x")}}
	if _, err := client.Create(t.Context(), theirs, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	asked.ClearActions()
	if err := k.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "no annotation of: us") {
		t.Errorf("said %v", err)
	}
	for _, a := range asked.Actions() {
		if a.GetVerb() != "get" {
			t.Errorf("%s of somebody else's", a.GetVerb())
		}
	}
	if err := client.Delete(t.Context(), theirs.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // made, and found again
		if err := k.Look(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestTroubleIsToldOnce and what was there stays in use.
func TestTroubleIsToldOnce(t *testing.T) {
	now := start
	client, asked := newClient(t)
	k := keeper(t, client, &now)
	if err := k.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	var said []string
	k.config.Say = func(format string, _ ...any) { said = append(said, format) }
	asked.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("away") })
	for range 3 {
		k.complain(k.Look(t.Context()))
	}
	if len(said) != 1 || !strings.Contains(said[0], "no certificate") {
		t.Errorf("said %q", said)
	}
	if _, err := k.Certificate(nil); err != nil {
		t.Error(err)
	}
}

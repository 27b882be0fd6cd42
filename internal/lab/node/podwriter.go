package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/workqueue"

	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/store"
)

// writers is how many requests are under way at once.
const writers = 4

// podWriter tells an API server of Pods: the newest of each, differences only.
type podWriter struct {
	store  *store.Store
	client coreclient.PodsGetter
	logger *slog.Logger
	queue  workqueue.TypedRateLimitingInterface[store.Ref]

	mu     sync.Mutex
	wanted map[store.Ref]said
	gone   map[store.Ref]types.UID
	sent   map[store.Ref]said
}

// said is a status of one Pod; the next one of its name has another uid.
type said struct {
	uid    string
	status *corev1.PodStatus
}

func newPodWriter(s *store.Store, client coreclient.PodsGetter, logger *slog.Logger) *podWriter {
	return &podWriter{
		store: s, client: client, logger: logger, wanted: map[store.Ref]said{}, gone: map[store.Ref]types.UID{}, sent: map[store.Ref]said{},
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[store.Ref](100*time.Millisecond, 10*time.Second)),
	}
}

// set wants a Pod to have a status.
func (w *podWriter) set(ref store.Ref, uid string, status *corev1.PodStatus) {
	w.mu.Lock()
	w.wanted[ref] = said{uid, status}
	w.mu.Unlock()
	w.queue.Add(ref)
}

// remove wants a Pod to be deleted for good.
func (w *podWriter) remove(gone workload.Gone) {
	w.mu.Lock()
	w.gone[gone.Pod] = gone.UID
	w.mu.Unlock()
	w.queue.Add(gone.Pod)
}

func (w *podWriter) run(ctx context.Context) {
	context.AfterFunc(ctx, w.queue.ShutDown)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for {
				ref, shutdown := w.queue.Get()
				if shutdown {
					return
				}
				if err := w.write(ctx, ref); err != nil && ctx.Err() == nil {
					w.logger.Warn("a Pod's status was not taken", "pod", ref.Namespace+"/"+ref.Name, "error", err)
					w.queue.AddRateLimited(ref)
				} else {
					w.queue.Forget(ref)
				}
				w.queue.Done(ref)
			}
		})
	}
	wg.Wait()
}

// write sends what is wanted of one Pod.
func (w *podWriter) write(ctx context.Context, ref store.Ref) error {
	w.mu.Lock()
	wanted, told := w.wanted[ref]
	uid, gone := w.gone[ref]
	w.mu.Unlock()
	if gone {
		return w.delete(ctx, ref, uid)
	}
	if !told {
		return nil
	}
	is := w.known(ref, wanted.uid)
	status, same := merge(is, wanted.status, metav1.Now())
	if same {
		return nil
	}
	text, err := patch(wanted.uid, status)
	if err != nil {
		return err
	}
	_, err = w.client.Pods(ref.Namespace).Patch(ctx, ref.Name, types.StrategicMergePatchType, text, metav1.PatchOptions{}, "status")
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err) && w.replaced(ref, wanted.uid):
		w.forget(ref, wanted.uid)
		return nil
	case err != nil:
		return err
	}
	w.mu.Lock()
	w.sent[ref] = said{wanted.uid, status}
	w.mu.Unlock()
	return nil
}

// known is what an API server has of a Pod: what was sent last, or what it said itself.
func (w *podWriter) known(ref store.Ref, uid string) *corev1.PodStatus {
	w.mu.Lock()
	sent := w.sent[ref]
	w.mu.Unlock()
	if sent.status != nil && sent.uid == uid {
		return sent.status
	}
	if e := w.store.Snapshot().Get(ref); e != nil {
		if pod, ok := e.Object.(*corev1.Pod); ok && string(pod.UID) == uid {
			return &pod.Status
		}
	}
	return &corev1.PodStatus{}
}

// replaced tells whether another Pod has the name by now.
func (w *podWriter) replaced(ref store.Ref, uid string) bool {
	e := w.store.Snapshot().Get(ref)
	return e == nil || string(e.Object.GetUID()) != uid
}

func (w *podWriter) delete(ctx context.Context, ref store.Ref, uid types.UID) error {
	now := int64(0)
	err := w.client.Pods(ref.Namespace).Delete(ctx, ref.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &uid},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	w.forget(ref, string(uid))
	return nil
}

// forget drops what is known of a Pod that is gone; that of its successor stays.
func (w *podWriter) forget(ref store.Ref, uid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if string(w.gone[ref]) == uid {
		delete(w.gone, ref)
	}
	if w.wanted[ref].uid == uid {
		delete(w.wanted, ref)
	}
	if w.sent[ref].uid == uid {
		delete(w.sent, ref)
	}
	if _, more := w.wanted[ref]; more {
		w.queue.Add(ref)
	}
}

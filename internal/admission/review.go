package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// maxBody bounds a review: two versions of an object, of which an API server takes 3 MiB.
	maxBody = 8 << 20
	// defaultTime is how long an answer may take if the API server does not say how long it waits; reserve is left of what it says for
	// the way back.
	defaultTime = 2 * time.Second
	reserve     = 300 * time.Millisecond
)

// answerer makes the answer to a request about an object of a cluster, and says in a word what it is.
type answerer func(ctx context.Context, cluster string, r *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, result)

// answer is the handler of one webhook.
func (s *Server) answer(webhook string, by answerer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		defer s.guard.Recover("admission", func() {
			s.Metrics.count(webhook, failed, began)
			http.Error(w, "a fault of Spillway's; its log has more", http.StatusInternalServerError)
		})
		review, err := readReview(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			s.Metrics.count(webhook, broken, began)
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeOf(r))
		defer cancel()
		response, result := by(ctx, clusterOf(r.PathValue("cluster")), review.Request)
		s.Metrics.count(webhook, result, began)
		response.UID = review.Request.UID
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: response}) // who has gone needs no answer
	}
}

// readReview reads a review and says what is wrong with it.
func readReview(body io.Reader) (*admissionv1.AdmissionReview, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("the body cannot be read: %w", err)
	}
	review := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(data, review); err != nil {
		return nil, fmt.Errorf("the body is no AdmissionReview: %w", err)
	}
	want := metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"}
	switch {
	case review.TypeMeta != want:
		return nil, fmt.Errorf("the body is %q of %q, not an AdmissionReview of %s", review.Kind, review.APIVersion, want.APIVersion)
	case review.Request == nil || review.Request.UID == "":
		return nil, errors.New("the AdmissionReview has no request, or one without uid")
	}
	return review, nil
}

// timeOf is how long an answer may take: API servers say how long they wait.
func timeOf(r *http.Request) time.Duration {
	asked, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil {
		return defaultTime
	}
	return min(max(asked-reserve, reserve), 10*time.Second)
}

// letThrough is the answer to what is not refused.
func letThrough(warnings ...string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{Allowed: true, Warnings: warnings}
}

// refuse is the answer to what is. kubectl prints: admission webhook "NAME" denied the request: MESSAGE.
func refuse(message string, warnings []string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{Warnings: warnings, Result: &metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: message,
	}}
}

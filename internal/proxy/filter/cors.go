package filter

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// CORS is a compiled CorsPolicy. nil allows nothing and changes nothing.
type CORS struct{}

// CompileCORS checks origins and joins the lists once.
func CompileCORS(c *lbv1.CorsPolicy) (*CORS, error) { return nil, nil }

// IsPreflight says whether the request is answered locally: OPTIONS with Origin and Access-Control-Request-Method.
func (c *CORS) IsPreflight(req *message.Request) bool { return false }

// Preflight adds the fields of the answer to a preflight (status 204, no body).
func (c *CORS) Preflight(req *message.Request, answer *header.Map) {}

// Actual adds the fields of an answer to a request that carries an Origin, and removes those that the backend set.
func (c *CORS) Actual(req *message.Request, answer *header.Map) {}

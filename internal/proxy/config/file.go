package config

import (
	"fmt"
	"os"
	"regexp"

	"google.golang.org/protobuf/encoding/protojson"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// LoadFile reads a Model as JSON. Fields and values that are not known are errors, which name line and column.
func LoadFile(path string) (*lbv1.Model, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &lbv1.Model{}
	if err := protojson.Unmarshal(data, m); err != nil {
		return nil, placed(path, err)
	}
	return m, nil
}

// protojsonPlace is how protojson tells where it stopped.
var protojsonPlace = regexp.MustCompile(`\(line (\d+):(\d+)\): (.*)$`)

func placed(path string, err error) error {
	if m := protojsonPlace.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s:%s:%s: %s", path, m[1], m[2], m[3])
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Transaction is the transaction that makes the model from nothing.
func Transaction(m *lbv1.Model) *lbv1.Transaction {
	return &lbv1.Transaction{Seq: m.GetSeq(), Upserts: m.GetResources()}
}

package condition

import "encoding/json"

// FieldsOf is a typed value as JSON has it, nil for what JSON has no object for.
func FieldsOf(v any) map[string]any {
	var fields map[string]any
	b, err := json.Marshal(v)
	if err == nil {
		_ = json.Unmarshal(b, &fields) // what was just marshalled
	}
	return fields
}

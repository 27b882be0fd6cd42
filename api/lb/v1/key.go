package lbv1

// KeyOf names a resource by the oneof field that is set and its name. The kind is empty for a resource without a body.
func KeyOf(r *Resource) *ResourceKey {
	m := r.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("body"))
	if field == nil {
		return &ResourceKey{Name: r.GetName()}
	}
	return &ResourceKey{Kind: string(field.Name()), Name: r.GetName()}
}

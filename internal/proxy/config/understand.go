package config

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// understand finds what this proxy does not know in a message: fields of a newer version, values of a newer enumeration.
// To obey the rest would be to obey half: an unknown kind of match would match everything. Negative times are refused, too.
func understand(m protoreflect.Message) error {
	if len(m.GetUnknown()) > 0 {
		return fmt.Errorf("%s has a field that this version does not know", m.Descriptor().Name())
	}
	if d, ok := m.Interface().(*durationpb.Duration); ok {
		if err := d.CheckValid(); err != nil || d.AsDuration() < 0 {
			return fmt.Errorf("%v is not a length of time", d)
		}
		return nil
	}
	var err error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			// The model has none.
		case f.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = understandValue(f, v.List().Get(i))
			}
		default:
			err = understandValue(f, v)
		}
		return err == nil
	})
	return err
}

func understandValue(f protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch f.Kind() {
	case protoreflect.MessageKind:
		if err := understand(v.Message()); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	case protoreflect.EnumKind:
		if f.Enum().Values().ByNumber(v.Enum()) == nil {
			return fmt.Errorf("%s: this version does not know the value %d", f.Name(), v.Enum())
		}
	}
	return nil
}

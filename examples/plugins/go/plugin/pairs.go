package plugin

import "encoding/binary"

// encode writes fields in the ABI's form.
func encode(fields []Field) []byte {
	if len(fields) == 0 {
		return nil
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(fields)))
	for _, f := range fields {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Value)))
	}
	for _, f := range fields {
		b = append(append(b, f.Name...), 0)
		b = append(append(b, f.Value...), 0)
	}
	return b
}

// decode reads them. The host writes nothing else.
func decode(b []byte) []Field {
	if len(b) < 4 {
		return nil
	}
	n := int(binary.LittleEndian.Uint32(b))
	lengths, texts := b[4:4+8*n], b[4+8*n:]
	next := func(i int) string {
		size := binary.LittleEndian.Uint32(lengths[4*i:])
		text := string(texts[:size])
		texts = texts[size+1:]
		return text
	}
	fields := make([]Field, n)
	for i := range fields {
		fields[i] = Field{next(2 * i), next(2*i + 1)}
	}
	return fields
}

package calibrate

// An Observer summarises the absolute values of one tensor over the calibration
// set, in memory that does not grow with it. Adding the same batches in any
// order, split anywhere, or in parts that are merged later leaves the same
// state, byte for byte. An Observer is not safe for concurrent use; Add itself
// uses all processors on large data.
type Observer interface {
	// Add takes the elements of one more batch, in any order. On a NaN or an
	// infinity it fails with a *NotFiniteError and leaves the state as it was.
	Add(x []float32) error
	// Merge adds what o, of the same type, has seen. o is not changed.
	Merge(o Observer) error
	// Reset forgets everything and keeps the memory.
	Reset()
	// AppendState appends an encoding of the state to b.
	AppendState(b []byte) []byte
}

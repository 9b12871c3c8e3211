package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// Fingerprint returns the SHA-256, in hex, over the program and the parameters
// of m. It is the same before and after a save, in every form and with or
// without call stacks; any change that could change a result changes it.
// Calibration tables are bound to their model by it. A model that Check
// refuses has none: "".
func Fingerprint(m *Model) string {
	return digest(m, "octet model 1", WriteTensor)
}

// Outline is a Fingerprint that takes only the types and dims of parameters:
// their data are not read. Networks with the same outline take the same time.
func Outline(m *Model) string {
	return digest(m, "octet outline 1", func(w io.Writer, t *Tensor) error {
		_, err := fmt.Fprintln(w, t.DType, t.Dims)
		return err
	})
}

// digest hashes the program of m and what write writes of its parameters.
func digest(m *Model, kind string, write func(io.Writer, *Tensor) error) string {
	if Check(m) != nil {
		return ""
	}
	program, err := encoder{canonical: true, dropCallstack: true}.program(m.Program)
	if err != nil {
		return ""
	}
	h := sha256.New()
	part(h, []byte(kind))
	part(h, program)
	for _, name := range m.Program.ParamNames() {
		part(h, []byte(name))
		if err := write(h, m.Params[name]); err != nil {
			return ""
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// part hashes b with its length in front, so that no two lists of parts hash
// the same bytes. Tensor streams carry their own lengths.
func part(h hash.Hash, b []byte) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
	h.Write(n[:])
	h.Write(b)
}

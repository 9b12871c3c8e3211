package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// Fingerprint returns the SHA-256, in hex, over the program and the parameters
// of m. It is the same before and after a save, in every form and with or
// without call stacks; any change that could change a result changes it.
// Calibration tables are bound to their model by it. A model that Check
// refuses has none: "".
func Fingerprint(m *Model) string {
	if Check(m) != nil {
		return ""
	}
	program, err := encoder{canonical: true, dropCallstack: true}.program(m.Program)
	if err != nil {
		return ""
	}
	h := sha256.New()
	part(h, []byte("octet model 1"))
	part(h, program)
	for _, name := range m.Program.ParamNames() {
		part(h, []byte(name))
		if err := WriteTensor(h, m.Params[name]); err != nil {
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

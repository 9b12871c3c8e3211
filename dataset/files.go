package dataset

import (
	"fmt"
	"io"
	"os"
)

// readRegular reads a whole regular file of at most limit bytes. Opening a
// pipe or a device could block for ever, so those are refused first.
func readRegular(path string, limit int64) ([]byte, error) {
	return readInto(nil, path, limit)
}

// readInto is readRegular into the capacity of buf.
func readInto(buf []byte, path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, fmt.Errorf("%s is a folder, not a file", path)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file (%s)", path, st.Mode().Type())
	}
	if st.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, the limit is %d", path, st.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf = grow(buf, int(st.Size()))
	if _, err := io.ReadFull(f, buf); err != nil {
		return nil, fmt.Errorf("%s: file became shorter while it was read: %w", path, err)
	}
	return buf, nil
}

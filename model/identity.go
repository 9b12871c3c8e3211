package model

import (
	"fmt"
	"io/fs"
	"time"
)

// Identity names the data of a lazy tensor without reading it, "" where that
// cannot be done: for a tensor in memory, or a file that was written less than
// racy before it was loaded. Two tensors with the same identity, in different
// processes too, have the same data: it is made of the file's device, inode,
// size and times, which the kernel sets anew with each write, the place in the
// file, and what it was Derived by.
func (t *Tensor) Identity() string {
	if !t.Lazy() {
		return ""
	}
	return t.lazy.id
}

// racy is how old a file must be for its times to tell that nobody has written
// to it since: file systems count in steps of up to two seconds.
const racy = 2 * time.Second

// stamp names the content of an open file, "" where the system does not tell.
func stamp(f fs.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	s, changed := statStamp(info)
	if s == "" || time.Since(changed) < racy {
		return ""
	}
	return s
}

// identity names n bytes at an offset of the file.
func (o *origin) identity(at, n int64) string {
	if o.stamp == "" {
		return ""
	}
	return fmt.Sprintf("%s, %d bytes at %d", o.stamp, n, at)
}

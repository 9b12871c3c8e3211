package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"time"
)

// An origin is a file that data is read from after its headers. Many
// goroutines may read at once.
type origin struct {
	// open returns the file and what to do when it has been read.
	open    func() (f fs.File, release func(), err error)
	close   func()
	version version
	stamp   string // of the file, see stamp
}

// A version tells whether a file is still the one that was loaded.
type version struct {
	size    int64
	changed time.Time
}

func versionOf(f fs.File) (version, error) {
	info, err := f.Stat()
	if err != nil {
		return version{}, err
	}
	return version{info.Size(), info.ModTime()}, nil
}

// stayingOpen is the origin of a file that is read where it is open now. Its
// close closes the file, or the collector when nothing refers to the origin.
func stayingOpen(f fs.File) (*origin, error) {
	v, err := versionOf(f)
	o := &origin{version: v, stamp: stamp(f)}
	o.open = func() (fs.File, func(), error) { return f, func() { runtime.KeepAlive(o) }, nil }
	shut := func(f fs.File) { _ = f.Close() } // only read from
	cleanup := runtime.AddCleanup(o, shut, f)
	o.close = func() {
		cleanup.Stop()
		shut(f)
	}
	return o, err
}

// openedAgain is the origin of a file, now open as f, that is opened by its
// name whenever it is read.
func openedAgain(fsys fs.FS, name string, f fs.File) (*origin, error) {
	v, err := versionOf(f)
	return &origin{version: v, stamp: stamp(f), open: func() (fs.File, func(), error) {
		f, _, err := openRegular(fsys, name)
		return f, func() { _ = f.Close() }, err // only read from
	}}, err
}

// read fills to from an offset of the file.
func (o *origin) read(to []byte, at int64) error {
	f, release, err := o.open()
	if err != nil {
		return err
	}
	defer release()
	now, err := versionOf(f)
	if err != nil {
		return err
	}
	if now != o.version {
		e := malformed("tensor data", "the file as it was when the model was loaded", "another size or time")
		e.Offset, e.Err = at, ErrChanged
		return e
	}
	n, err := f.(io.ReaderAt).ReadAt(to, at)
	if n == len(to) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return shrank("tensor data", len(to), n, at)
	}
	return err
}

// shrank says that a file ended earlier than its size had promised.
func shrank(what string, want, got int, at int64) *FormatError {
	e := malformed(what, fmt.Sprintf("%d bytes", want), fmt.Sprintf("the end of the file after %d: it shrank while it was read", got))
	e.Offset, e.Err = at, io.ErrUnexpectedEOF
	return e
}

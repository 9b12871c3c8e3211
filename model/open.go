package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// rootFS is a directory tree that cannot be left: not by "..", not through a
// symbolic link, not by a rename while it is in use. os.Root sees to that. Its
// own FS would block for ever on opening a FIFO, hence this type.
type rootFS struct{ root *os.Root }

func (r rootFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (r rootFS) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return r.root.Stat(name)
}

// openRegular opens a regular file and returns its size. The kind is asked of
// the open file, so that nothing can be put in its place between the two.
func openRegular(fsys fs.FS, name string) (fs.File, int64, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, openFault(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = malformed("", "a regular file", kindOf(info.Mode()))
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// openFault gives a failure to open the type of the other rejections; the
// cause stays reachable for errors.Is.
func openFault(err error) error {
	e := malformed("", "a readable regular file", "")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = fs.ErrNotExist
		e.Expected = ""
		return e
	case errors.Is(err, fs.ErrPermission):
		return err
	}
	e.Err = err
	return e
}

func kindOf(m fs.FileMode) string {
	for _, k := range []struct {
		bit  fs.FileMode
		name string
	}{
		{fs.ModeDir, "a directory"},
		{fs.ModeNamedPipe, "a named pipe"},
		{fs.ModeSocket, "a socket"},
		{fs.ModeDevice, "a device"},
		{fs.ModeSymlink, "a symbolic link"},
	} {
		if m&k.bit != 0 {
			return k.name
		}
	}
	return m.String()
}

// readAll reads a regular file of at most limit bytes whole, in one allocation
// of its size.
func readAll(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, size, err := openRegular(fsys, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	if size > limit {
		return nil, tooLarge("", "ProgramBytes", limit, fmt.Sprintf("%d bytes", size))
	}
	head := make([]byte, min(size, sniffBytes))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, shrunk(err)
	}
	// What is recognisably something else is refused before memory is taken
	// for all of it.
	if err := foreignProgram(head); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	copy(data, head)
	if _, err := io.ReadFull(f, data[len(head):]); err != nil {
		return nil, shrunk(err)
	}
	return data, nil
}

// shrunk turns an early end of file into a FormatError.
func shrunk(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e := malformed("", "the size that the file had when it was opened", "less: it shrank while it was read")
		e.Err = io.ErrUnexpectedEOF
		return e
	}
	return err
}

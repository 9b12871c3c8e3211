//go:build unix

package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestHostileFiles are files that are not what they should be to the system.
func TestHostileFiles(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, stream(paddleHeader, 40), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		place func(path string) error
		kind  error
		want  string
	}{
		{"link to a file outside", func(p string) error { return os.Symlink(outside, p) }, ErrFormat, "escapes"},
		{"link upwards", func(p string) error { return os.Symlink("../../secret", p) }, ErrFormat, "escapes"},
		{"link to itself", func(p string) error { return os.Symlink(filepath.Base(p), p) }, ErrFormat, "symbolic links"},
		{"link to nothing", func(p string) error { return os.Symlink("gone", p) }, fs.ErrNotExist, "missing"},
		{"link to a device", func(p string) error { return os.Symlink("/dev/zero", p) }, ErrFormat, "escapes"},
		{"named pipe", func(p string) error { return syscall.Mkfifo(p, 0o666) }, ErrFormat, "a named pipe"},
		{"socket", makeSocket, ErrFormat, "socket"},
		{"directory", func(p string) error { return os.Mkdir(p, 0o777) }, ErrFormat, "a directory"},
		{"hard link", func(p string) error { return os.Link(outside, p) }, nil, ""},
		{"link inside", func(p string) error {
			return errors.Join(os.WriteFile(p+".real", stream(paddleHeader, 40), 0o666), os.Symlink(filepath.Base(p)+".real", p))
		}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, fluidProgram), block(tensorParam("w")), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := c.place(filepath.Join(dir, "w")); err != nil {
				t.Skipf("cannot be made here: %v", err)
			}
			_, err := Load(dir)
			checkRejection(t, err, c.kind, c.want)
			if c.kind == nil || errors.Is(c.kind, fs.ErrNotExist) {
				return
			}
			// The same in place of the program.
			err = os.Remove(filepath.Join(dir, fluidProgram))
			if err = errors.Join(err, c.place(filepath.Join(dir, fluidProgram))); err != nil {
				t.Fatal(err)
			}
			_, err = Load(dir)
			checkRejection(t, err, c.kind, c.want)
		})
	}
}

func makeSocket(path string) error {
	s, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Bind(s, &syscall.SockaddrUnix{Name: path}), syscall.Close(s))
}

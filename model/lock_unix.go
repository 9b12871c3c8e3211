//go:build unix

package model

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockDir locks a directory until unlock or the end of the process. It fails
// where somebody else has it locked, or removes it.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, &os.PathError{Op: "flock", Path: dir, Err: err}
	}
	unlock = func() { _ = f.Close() }
	if _, err := os.Stat(dir); err != nil { // gone while it was opened
		unlock()
		return nil, err
	}
	return unlock, nil
}

//go:build !linux

package model

import "errors"

// exchange cannot be had here: swapDirs falls back to two renames.
func exchange(_, _ string) error { return errors.ErrUnsupported }

// renameNew renames from to to, which must not exist.
func renameNew(from, to string) error { return renameChecked(from, to) }

//go:build !unix

package model

import "errors"

// lockDir cannot be had here: what killed saves left behind stays.
func lockDir(string) (func(), error) { return nil, errors.ErrUnsupported }

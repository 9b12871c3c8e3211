package model

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// statStamp tells one version of a file from all others on this machine, and
// when it was changed last.
func statStamp(info fs.FileInfo) (string, time.Time) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", time.Time{}
	}
	return fmt.Sprintf("file %d:%d, %d bytes, written %d.%09d, changed %d.%09d", s.Dev, s.Ino, s.Size,
		s.Mtim.Sec, s.Mtim.Nsec, s.Ctim.Sec, s.Ctim.Nsec), time.Unix(s.Ctim.Unix())
}
